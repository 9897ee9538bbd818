# SPDX-License-Identifier: Apache-2.0
"""systemd hears of a webmail that answers, and nothing of one that hangs."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bottle import Bottle

from mokanda_firmware.webmail import watchdog
from mokanda_firmware.webmail.__main__ import make_server


@contextmanager
def served(app: Bottle) -> Iterator[tuple[str, int]]:
    server = make_server(("127.0.0.1", 0), app)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.bind_addr
    finally:
        server.stop()
        thread.join()


def test_a_webmail_that_answers_says_so_to_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, served(Bottle()) as address:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        watchdog.start(address, ended)
        assert systemd.recv(99) == b"WATCHDOG=1"
        ended.set()


def test_one_that_hangs_does_not_answer() -> None:
    app, goes_on = Bottle(), threading.Event()
    app.get("/", callback=lambda: goes_on.wait(60) and "")
    with served(app) as address:
        assert not watchdog.answers(address, 0.5)
        goes_on.set()


def test_one_that_is_not_there_does_not_answer() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert not watchdog.answers(nobody.getsockname(), 5)
