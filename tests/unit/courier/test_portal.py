# SPDX-License-Identifier: Apache-2.0
"""Whether a network answers in everybody's place: tried over this computer's own interface."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from mokanda_firmware.uplink import portal


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Iterator[int]:
    """Where somebody answers with the bytes of the parameter."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))

        def answer() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(1000)
                accepted.sendall(request.param)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def redirect(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("network", "is_portal"),
    [
        (redirect("http://recharge.operator.example/buy"), True),
        (b"HTTP/1.1 511 Network Authentication Required\r\n\r\n", True),
        (redirect("https://127.0.0.1/"), False),  # a relay's own
        (redirect("/login"), False),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH\r\n", False),
        (b"", False),
        (redirect("http://[broken"), False),
    ],
    indirect=["network"],
)
def test_a_portal_leads_elsewhere(network: int, is_portal: bool) -> None:
    assert portal.answers_for("127.0.0.1", "lo", network) is is_portal


def test_nobody_is_no_portal() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    assert not portal.answers_for("127.0.0.1", "lo", port)
