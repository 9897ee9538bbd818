# SPDX-License-Identifier: Apache-2.0
"""How the connection to the relay ends: in one packet, but never at the cost of what was sent."""

import io
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mokanda_firmware.uplink.connection import Connection, Held
from mokanda_firmware.uplink.places import Place
from mokanda_relay.store import certificate
from mokanda_wire.protocol import Sealed

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def connected(folder: Path, serve: Callable[[ssl.SSLSocket], None]) -> Iterator[Connection]:
    """A connection to what does `serve`; what goes wrong there goes wrong in the test."""
    certificate.ensure_certificate(folder / "certificate", folder / "key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    context.num_tickets = 0  # as the relay: who closes before all was read resets in any case
    failures: list[BaseException] = []

    def take(listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        accepted.settimeout(20)
        with context.wrap_socket(accepted, server_side=True) as secure:
            try:
                serve(secure)
            except BaseException as error:  # noqa: BLE001 - the test's thread raises it
                failures.append(error)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=take, args=(listener,), daemon=True)
        thread.start()
        place = Place(
            f"https://127.0.0.1:{listener.getsockname()[1]}",
            (folder / "certificate").read_text(),
            "",
        )
        with Connection([place]) as connection:
            connection.connect()
            yield connection
        thread.join(20)
    for failure in failures:
        raise failure


def test_once_all_is_answered_it_ends_with_a_reset(tmp_path: Path) -> None:
    def serve(secure: ssl.SSLSocket) -> None:
        secure.recv(4096)
        secure.sendall(EMPTY)
        poller = select.poll()
        poller.register(secure, select.POLLIN)
        ((_, event),) = poller.poll(20_000)
        assert event & select.POLLERR

    with connected(tmp_path, serve) as connection:
        assert connection.claim(b"claim") == b""


def test_what_was_sent_and_not_answered_arrives(tmp_path: Path) -> None:
    arrived = io.BytesIO()

    def serve(secure: ssl.SSLSocket) -> None:
        while piece := secure.recv(4096):
            arrived.write(piece)

    content = bytes(100_000)
    with connected(tmp_path, serve) as connection:
        told = connection.upload(
            Sealed(1, len(content), bytes(32)),
            *(io.BytesIO(content), 0, "token", Held(), lambda _: None),
            limit=50_000,
        )
        assert told is None
    assert arrived.getvalue().partition(b"\r\n\r\n")[2] == content[:50_000]
