# SPDX-License-Identifier: Apache-2.0
"""A listener and callers who are slow, many, or say nothing, over real sockets."""

import contextlib
import http.client
import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from mokanda_wire import http_server
from mokanda_wire.http_reception import Limits
from mokanda_wire.http_server import Server
from scripts.tools.deadlines import wait_until

# Patient; each test makes short what it is about.
LIMITS = Limits(
    workers=2,
    workers_per_address=2,
    connections=100,
    per_address=100,
    idle=60,
    silence=60,
    grace=60,
    head=60,
)


arrived: list[bytes] = []


def app(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """Answer how many bytes the body has; /unread does not look at it."""
    size = 0
    if environ["PATH_INFO"] != "/unread":
        body = environ["wsgi.input"]
        while piece := body.rfile.read1(min(body.remaining, 1000)) if body.remaining else b"":
            body.remaining -= len(piece)
            size += len(piece)
            arrived.append(piece)
    start("200 OK", [("Content-Length", str(len(str(size))))])
    return [str(size).encode()]


@contextlib.contextmanager
def serving(**limits: Any) -> Iterator[Server]:  # noqa: ANN401 - of many types
    server = Server(("127.0.0.1", 0), app, LIMITS._replace(**limits))
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def connect(server: Server, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(server.bind_addr, timeout=30, source_address=(address, 0))


def ask(server: Server, address: str = "127.0.0.1") -> int:
    host, port = server.bind_addr
    connection = http.client.HTTPConnection(host, port, timeout=30, source_address=(address, 0))
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().status


def ask_and_wait_for_a_worker(server: Server, caller: socket.socket) -> None:
    """Begin a request with a long body, after those who have asked before."""
    before = server.at_work()
    caller.sendall(HEAD % 1_000_000)
    wait_until(lambda: server.at_work() > before, "the request", 20)


def is_closed(caller: socket.socket) -> bool:
    """Wait for an answer or the end; whether it was the end."""
    try:
        return caller.recv(1000) == b""
    except ConnectionError:
        return True


def hear(caller: socket.socket, end: bytes) -> bytes:
    """All that is answered up to these bytes."""
    heard = b""
    while not heard.endswith(end):
        piece = caller.recv(1000)
        assert piece, heard
        heard += piece
    return heard


def drip(caller: socket.socket, pause: float) -> None:
    """Send a byte now and then, until the other end has had enough."""
    caller.settimeout(pause)
    for _ in range(1000):
        try:
            caller.sendall(b"x")
            if caller.recv(1000) == b"":
                return
        except TimeoutError:
            continue
        except ConnectionError:
            return
    raise AssertionError("it may drip for ever")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"GET http://captive.apple.com/hotspot-detect.html HTTP/1.1", b"200 OK"),
        (b"GET HTTP://captive.apple.com HTTP/1.1", b"200 OK"),
        (b"OPTIONS * HTTP/1.1", b"200 OK"),
        (b"GET ftp://captive.apple.com/ HTTP/1.1", b"400 Bad Request"),
        (b"GET http:///hotspot-detect.html HTTP/1.1", b"400 Bad Request"),
        (b"GET //captive.apple.com/ HTTP/1.1", b"400 Bad Request"),
        (b"GET * HTTP/1.1", b"400 Bad Request"),
        (b"CONNECT captive.apple.com:443 HTTP/1.1", b"405 Method Not Allowed"),
    ],
)
def test_a_whole_address_is_taken_and_no_proxy_is_played(line: bytes, said: bytes) -> None:
    with serving() as server, connect(server) as caller:
        caller.sendall(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert caller.recv(1000).partition(b"\r\n")[0] == b"HTTP/1.1 " + said


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def test_who_says_nothing_is_not_waited_for() -> None:
    with serving(head=0.3) as server, connect(server) as caller:
        assert is_closed(caller)


def test_it_sleeps_until_somebody_comes_or_has_waited_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: SimpleQueue[float | None] = SimpleQueue()
    select = selectors.DefaultSelector.select

    def noted(self: selectors.DefaultSelector, timeout: float | None = None) -> Any:  # noqa: ANN401
        pauses.put(timeout)
        return select(self, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", noted)
    with serving(head=20) as server:
        assert pauses.get(timeout=20) is None
        with connect(server):
            pause = pauses.get(timeout=20)
            assert pause is not None
            assert 0 < pause <= 20


def test_a_head_that_drips_is_not_waited_for() -> None:
    with serving(head=0.5) as server, connect(server) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nX: ")
        drip(caller, 0.05)


def test_a_body_that_drips_is_not_waited_for() -> None:
    with serving(grace=0.5) as server, connect(server) as caller:
        caller.sendall(HEAD % 1_000_000)
        drip(caller, 0.05)


def test_a_body_that_keeps_the_least_rate_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MAX_WHOLE_BODY", 0)
    with serving(grace=1) as server, connect(server) as caller:
        caller.sendall(HEAD % 6000)
        for _ in range(15):  # for twice as long as the grace
            threading.Event().wait(0.15)
            caller.sendall(bytes(400))
        hear(caller, b"\r\n\r\n6000")


def test_beginnings_take_no_workers() -> None:
    with serving() as server, contextlib.ExitStack() as stack:
        for beginning in (b"", b"G", b"GET / HTTP/1.1\r\n", HEAD % 5000, HEAD % 5000 + b"x"):
            for _ in range(5):
                stack.enter_context(connect(server)).sendall(beginning)
        assert ask(server) == 200


def test_of_one_address_who_has_waited_longest_makes_room() -> None:
    with serving(per_address=2) as server, connect(server) as first, connect(server) as second:
        first.sendall(b"G")
        second.sendall(b"G")
        assert ask(server) == 200
        assert is_closed(first)
        second.sendall(b"ET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert second.recv(1000).startswith(b"HTTP/1.1 200")


def test_of_all_who_has_waited_longest_makes_room() -> None:
    with serving(connections=1) as server, connect(server, "127.0.0.2") as first:
        assert ask(server) == 200
        assert is_closed(first)


def test_who_has_no_connection_gets_in_beside_addresses_that_have_many() -> None:
    """Some drip a head, some a body that keeps a worker, others wait for one."""
    with (
        serving(workers=9, connections=12, per_address=4) as server,
        contextlib.ExitStack() as stack,
    ):
        held = [
            (stack.enter_context(connect(server, f"127.0.0.{number % 3 + 2}")), number)
            for number in range(12)
        ]
        for caller, number in held:
            caller.sendall(HEAD % 1_000_000 if number % 2 else b"G")
        newcomer = stack.enter_context(connect(server, "127.0.0.9"))
        for number in range(24):  # who was sent away comes back, and pushes out its own
            again = stack.enter_context(connect(server, f"127.0.0.{number % 3 + 2}"))
            again.sendall(b"G")
        newcomer.sendall(HEAD % 0)
        hear(newcomer, b"\r\n\r\n0")


def test_who_has_no_connection_gets_in_where_all_requests_are_there() -> None:
    with (
        serving(workers=1, connections=4, per_address=4) as server,
        contextlib.ExitStack() as stack,
    ):
        held = [stack.enter_context(connect(server, "127.0.0.2")) for _ in range(4)]
        for caller in held:
            ask_and_wait_for_a_worker(server, caller)
        newcomer = stack.enter_context(connect(server, "127.0.0.9"))
        newcomer.sendall(HEAD % 0)
        assert is_closed(held[1])
        held[0].sendall(bytes(1_000_000))
        hear(newcomer, b"\r\n\r\n0")


def test_one_address_does_not_get_all_workers() -> None:
    with serving(workers_per_address=1) as server, contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(connect(server, "127.0.0.2")).sendall(HEAD % 1_000_000)
        assert ask(server) == 200


def test_who_waits_for_a_worker_gets_it_when_one_of_its_address_is_free() -> None:
    with (
        serving(workers_per_address=1) as server,
        connect(server) as slow,
        connect(server) as after,
    ):
        slow.sendall(HEAD % 100_000)
        after.sendall(HEAD % 0)
        slow.sendall(bytes(100_000))
        hear(slow, b"\r\n\r\n100000")
        hear(after, b"\r\n\r\n0")


def test_requests_that_come_together_are_answered_in_turn() -> None:
    with serving() as server, connect(server) as caller:
        caller.sendall(b"".join(HEAD % size + bytes(size) for size in (1, 20_000, 3)))
        heard = b""
        while heard.count(b"HTTP/1.1 200") < 3 or not heard.endswith(b"3"):
            heard += caller.recv(1000)
        assert [each[-1:] for each in heard.split(b"HTTP/1.1 200")] == [b"", b"1", b"0", b"3"]


def test_a_body_that_nobody_reads_keeps_nobody_from_the_answer() -> None:
    with serving() as server, connect(server) as caller:
        caller.sendall((HEAD % 900_000).replace(b"/ ", b"/unread ") + bytes(900_000))
        hear(caller, b"\r\n\r\n0")
        caller.sendall(HEAD % 0)
        hear(caller, b"\r\n\r\n0")


def test_a_body_that_nobody_reads_is_not_waited_for() -> None:
    with serving() as server, connect(server) as caller:
        caller.sendall((HEAD % 900_000).replace(b"POST /", b"PUT /unread"))
        assert b"Connection: close" in hear(caller, b"\r\n\r\n0")


def test_what_is_put_is_there_before_the_rest_has_come() -> None:
    arrived.clear()
    with serving() as server, connect(server) as caller:
        caller.sendall((HEAD % 100).replace(b"POST", b"PUT") + b"a half")
        wait_until(lambda: arrived == [b"a half"], "the half", 20)


def test_a_long_one_ends_the_connection() -> None:
    with serving() as server, connect(server) as caller:
        caller.sendall((HEAD % 50_000_000).replace(b"/ ", b"/unread "))
        assert b"Connection: close" in hear(caller, b"\r\n\r\n0")


def test_a_head_without_an_end_is_refused() -> None:
    with serving() as server, connect(server) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\n")
        caller.sendall(b"X: y\r\n" * 6000)
        assert caller.recv(1000).startswith(b"HTTP/1.1 413")


def test_who_went_out_of_range_is_forgotten() -> None:
    with serving() as server:
        with connect(server) as caller:
            caller.sendall(HEAD % 1_000_000 + b"x")
        connections = server._connections
        wait_until(lambda: not connections._open, "nobody is there", 20)
        assert not connections._at_work
