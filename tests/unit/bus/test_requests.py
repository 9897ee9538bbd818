# SPDX-License-Identifier: Apache-2.0
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.requests import (
    Request,
    RequestError,
    Requests,
    UnavailableError,
    ask,
    ping,
)
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.waiting import readable


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Request], None]], None]]:
    """Run a daemon named "modem" that hands one request to the function given."""
    threads: list[threading.Thread] = []
    daemons: list[Requests] = []

    def start(answer: Callable[[Request], None]) -> None:
        daemon = Requests("modem")
        daemons.append(daemon)

        def serve_one() -> None:
            received = daemon.receive(10)
            assert received is not None
            answer(received)

        threads.append(threading.Thread(target=serve_one))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(10)
    for daemon in daemons:
        daemon.close()


def test_a_request_is_answered() -> None:
    daemon = Requests("modem")
    replies: list[dict[str, object]] = []
    asker = threading.Thread(target=lambda: replies.append(ask("modem", "connect", apn="internet")))
    asker.start()
    received = daemon.receive(10)
    assert received is not None
    assert (received.verb, received.arguments) == ("connect", {"apn": "internet"})
    received.reply(interface="ppp0")
    asker.join()
    daemon.close()
    assert replies == [{"interface": "ppp0"}]


def test_a_refusal_reaches_the_asker_as_a_sentence(
    serve: Callable[[Callable[[Request], None]], None],
) -> None:
    serve(lambda received: received.fail(Sentence("There is no SIM card.")))
    with pytest.raises(RequestError, match=r"^There is no SIM card\.$"):
        ask("modem", "connect")


def test_a_daemon_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="modem is not running"):
        ask("modem", "connect")


def test_a_daemon_that_does_not_answer_is_unavailable() -> None:
    daemon = Requests("modem")
    with pytest.raises(UnavailableError, match="no answer"):
        ask("modem", "connect", timeout=0.01)
    daemon.close()


def test_a_daemon_that_dies_while_it_works_is_unavailable(
    serve: Callable[[Callable[[Request], None]], None],
) -> None:
    serve(lambda received: received._connection.close())
    with pytest.raises(UnavailableError, match="stopped before it answered"):
        ask("modem", "connect")


def test_it_is_known_whether_the_asker_has_gone() -> None:
    daemon = Requests("modem")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asker:
        asker.connect(str(paths.requests("modem")))
        asker.sendall(b'{"verb": "connect", "arguments": {}}')
        received = daemon.receive(10)
        assert received is not None
        assert not received.is_abandoned()
    assert received.is_abandoned()
    received.reply()
    daemon.close()


def test_a_daemon_hears_when_who_holds_its_answer_is_killed() -> None:
    daemon = Requests("modem")
    hold = (
        "import signal; from mokanda_firmware.bus.requests import held\n"
        "with held('modem', 'connect', timeout=60) as fields:\n"
        "    print(fields, flush=True)\n"
        "    signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True
    ) as holder:
        received = daemon.receive(timeout=60)
        assert received is not None
        received.reply_and_stay(interface="ppp0")
        assert holder.stdout is not None
        assert holder.stdout.readline() == "{'interface': 'ppp0'}\n"
        assert not received.is_abandoned()
        holder.kill()
        assert readable(received.fileno(), 60)
    assert received.is_abandoned()
    received.drop()
    daemon.close()


def test_an_asker_that_has_gone_does_not_hurt_the_daemon() -> None:
    daemon = Requests("modem")
    with pytest.raises(UnavailableError):
        ask("modem", "connect", timeout=0.01)
    received = daemon.receive(10)
    assert received is not None
    received.reply()
    daemon.close()


@pytest.mark.parametrize(
    "packet",
    [
        b"{",
        b"[]",
        b"[" * 60_000,
        b'{"verb": "x"}',
        b'{"verb": 1, "arguments": {}}',
        b'{"verb": "x", "arguments": 7}',
        b'{"verb": "x", "arguments": {}}' + b" " * 70_000,
    ],
)
def test_what_is_no_request_is_refused(packet: bytes) -> None:
    daemon = Requests("modem")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as rubbish:
        rubbish.connect(str(paths.requests("modem")))
        rubbish.sendall(packet)
        assert daemon.receive(0) is None
        refusal = json.loads(rubbish.recv(1000))["error"]
    assert "does not understand" in str(Sentence.from_json(refusal))
    daemon.close()


def test_one_who_says_nothing_is_passed_over() -> None:
    daemon = Requests("modem")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.connect(str(paths.requests("modem")))
    assert daemon.receive(0) is None
    daemon.close()


def test_more_than_fits_into_a_packet_is_not_asked() -> None:
    with pytest.raises(RequestError, match="does not understand"):
        ask("modem", "connect", apn="x" * 70_000)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda request: request.text("it", 5), 7),
        (lambda request: request.text("it", 5), "longer"),
        (lambda request: request.count("it"), -1),
        (lambda request: request.count("it"), True),
        (lambda request: request.count("it"), 1 << 63),
        (lambda request: request.count("it"), None),
        (lambda request: request.flag("it"), 1),
    ],
)
def test_an_argument_of_another_kind_or_size_is_refused(
    read: Callable[[Request], object],
    value: object,
    serve: Callable[[Callable[[Request], None]], None],
) -> None:
    serve(lambda request: request.carry_out({"do": lambda asked: asked.reply(it=read(asked))}))
    with pytest.raises(RequestError, match="does not understand"):
        ask("modem", "do", it=value)


def test_arguments_are_read_as_they_were_given(
    serve: Callable[[Callable[[Request], None]], None],
) -> None:
    def do(request: Request) -> None:
        request.reply(it=(request.text("word", 5), request.count("number"), request.flag("yes")))

    serve(lambda request: request.carry_out({"do": do}))
    assert ask("modem", "do", word="mbote", number=3, yes=True) == {"it": ["mbote", 3, True]}


def test_every_daemon_says_that_it_is_there(
    serve: Callable[[Callable[[Request], None]], None],
) -> None:
    serve(lambda request: request.carry_out({}))
    ping("modem", timeout=10)


def test_an_unknown_verb_is_refused(serve: Callable[[Callable[[Request], None]], None]) -> None:
    serve(lambda request: request.carry_out({"do": lambda asked: asked.reply()}))
    with pytest.raises(RequestError, match="does not understand"):
        ask("modem", "dance")


@pytest.mark.parametrize("answer", [b"{", b"[]", b'{"fields": 1', b"{}"])
def test_an_answer_that_cannot_be_read_is_none(
    answer: bytes, serve: Callable[[Callable[[Request], None]], None]
) -> None:
    def babble(request: Request) -> None:
        with request._connection as connection:
            connection.sendall(answer)

    serve(babble)
    with pytest.raises(UnavailableError, match="cannot be read"):
        ask("modem", "connect")


def test_no_request_is_none_after_the_time_out() -> None:
    daemon = Requests("modem")
    assert daemon.receive(0.01) is None
    daemon.close()


def test_the_socket_of_a_killed_daemon_is_taken_over() -> None:
    child = os.fork()
    if child == 0:
        Requests("modem")
        os._exit(0)
    os.waitpid(child, 0)
    assert paths.requests("modem").is_socket()
    daemon = Requests("modem")
    daemon.close()


def test_a_second_daemon_of_the_same_name_is_refused() -> None:
    daemon = Requests("modem")
    with pytest.raises(OSError, match="another daemon"):
        Requests("modem")
    daemon.close()


def test_only_owner_and_group_may_ask() -> None:
    daemon = Requests("modem")
    assert paths.requests("modem").stat().st_mode & 0o777 == 0o660
    daemon.close()


def test_a_daemon_started_by_systemd_takes_over_its_socket(run_folder: Path) -> None:
    paths.requests("updates").parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(paths.requests("updates")))
        listener.listen()
        code = (
            "from mokanda_firmware.bus.requests import Requests\n"
            "requests = Requests('updates')\n"
            "requests.receive(10).reply(done=True)\n"
            "requests.close()\n"
        )
        start = f"exec 3<&{listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec {sys.executable} -"
        with subprocess.Popen(
            ["bash", "-c", start],
            stdin=subprocess.PIPE,
            text=True,
            pass_fds=[listener.fileno()],
            env={**os.environ, "MOKANDA_RUN": str(run_folder)},
        ) as daemon:
            assert daemon.stdin is not None
            daemon.stdin.write(code)
            daemon.stdin.close()
            assert ask("updates", "install") == {"done": True}
        assert daemon.returncode == 0
    assert paths.requests("updates").exists()
