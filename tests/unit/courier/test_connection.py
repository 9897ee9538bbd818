# SPDX-License-Identifier: Apache-2.0
"""The connection to the relay, where the relay's certificate is not of today."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.places import Place
from mokanda_relay.store import certificate


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where something with the certificate in `tmp_path` takes one connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with suppress(OSError):
                accepted, _ = listener.accept()
                context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
                with accepted, context.wrap_socket(accepted, server_side=True) as secure:
                    secure.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        number: int = listener.getsockname()[1]
        thread.start()
        yield number
    thread.join(20)


@pytest.mark.parametrize(("first", "last"), [(1970, 1971), (2900, 2901)])
def test_the_dates_of_the_relays_certificate_do_not_matter(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch, first: int, last: int
) -> None:
    monkeypatch.setattr(certificate, "NOT_BEFORE", dt.datetime(first, 1, 1, tzinfo=dt.UTC))
    monkeypatch.setattr(certificate, "NOT_AFTER", dt.datetime(last, 1, 1, tzinfo=dt.UTC))
    certificate.ensure_certificate(tmp_path / "certificate", tmp_path / "key")
    pinned = (tmp_path / "certificate").read_text()
    with Connection([Place(f"https://127.0.0.1:{port}", pinned, "")]) as connection:
        connection.connect()
        assert connection.traffic() > (0, 0)
