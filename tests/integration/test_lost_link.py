# SPDX-License-Identifier: Apache-2.0
"""The link goes in the middle of a connection: what waits for the relay ends at once.

Device and relay are one process in a network of its own; the device's interface is a TUN device.
"""

from __future__ import annotations

import io
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from mokanda_firmware.uplink import interface, watched
from mokanda_firmware.uplink.connection import Connection, Held
from mokanda_firmware.uplink.failures import CourierError
from mokanda_firmware.uplink.places import Place
from mokanda_firmware.uplink.watched import WatchedSocket
from mokanda_relay.store import certificate
from mokanda_wire.protocol import Sealed
from tests.namespaces import own_network
from tests.stand_ins.paid_link import FOUND, INTERFACE, LISTENS, paid_link

PORT: Final = 8443
PATIENCE: Final = 60  # seconds
ADDRESS: Final = f"10.64.0.2/32 dev {INTERFACE}"
LOSSES: Final = {
    "the call is over": [f"link delete {INTERFACE}"],
    "it is down": [f"link set {INTERFACE} down"],
    "the carrier is gone": [f"link set {INTERFACE} carrier off"],
    "the address is another": [f"addr del {ADDRESS}", f"addr add 10.64.0.3/32 dev {INTERFACE}"],
}
BLINKS: Final = {
    "the carrier is back": [f"link set {INTERFACE} carrier {state}" for state in ("off", "on")],
    "the address is back": [f"addr del {ADDRESS}", f"addr add {ADDRESS}"],
}
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


@dataclass
class Relay:
    """What answers the device until the link goes, which is in another moment each time."""

    listener: socket.socket
    context: ssl.SSLContext
    changes: list[str]  # that the link goes through
    watching: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def lose(self) -> None:
        """Have the link go."""
        subprocess.run(["ip", "-batch", "-"], input="\n".join(self.changes), text=True, check=True)

    def connecting(self) -> None:
        """The device waits for an answer to its SYN."""
        self.watching.wait(PATIENCE)
        self.lose()

    def shaking_hands(self) -> None:
        """It has begun to speak TLS."""
        with self.listener.accept()[0] as accepted:
            accepted.recv(1)
            self.lose()
            self.over.wait(PATIENCE)

    def sending(self) -> None:
        """It sends more than anybody takes."""
        with self._secure() as secure:
            secure.recv(1)
            self.lose()
            self.over.wait(PATIENCE)

    def waiting(self) -> None:
        """All is sent, and nothing comes."""
        with self._secure() as secure:
            secure.recv(4096)
            self.lose()
            self.over.wait(PATIENCE)

    def receiving(self) -> None:
        """Half of an answer has come."""
        with self._secure() as secure:
            secure.recv(4096)
            secure.sendall(ANSWER + b"ha")
            self.lose()
            self.over.wait(PATIENCE)

    def answering(self) -> None:
        """It gets its answer after all."""
        with self._secure() as secure:
            secure.recv(4096)
            self.lose()
            secure.sendall(ANSWER + b"whole")
            self.over.wait(PATIENCE)

    def _secure(self) -> ssl.SSLSocket:
        return self.context.wrap_socket(self.listener.accept()[0], server_side=True)


def told(moment: str, changes: list[str], *flags: str) -> str:
    """What a device tells of a connection whose link goes through changes at such a moment.

    Flags: `impatient` gives up what may come back at once; `deaf` cannot ask the kernel.
    """
    command = [*own_network(), sys.executable, "-m", __name__, moment, json.dumps(changes), *flags]
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "MOKANDA_DATA": data}
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=240
        )
    return done.stdout


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "moment", ["connecting", "shaking_hands", "sending", "waiting", "receiving"]
)
def test_a_link_that_goes_ends_what_waits_for_the_relay(moment: str, loss: str) -> None:
    assert "Network is down" in told(moment, LOSSES[loss], "impatient")


def test_nobody_has_patience_with_a_call_that_is_over() -> None:
    assert "Network is down" in told("waiting", LOSSES["the call is over"])


@pytest.mark.parametrize("blink", BLINKS)
def test_a_link_that_comes_back_carries_on(blink: str) -> None:
    assert told("answering", BLINKS[blink]) == "whole"


def test_where_the_kernel_does_not_tell_the_limit_on_silence_holds() -> None:
    assert "fell silent" in told("waiting", LOSSES["the call is over"], "deaf")


def main(moment: str, changes: str, *flags: str) -> None:
    """Say what a device gets, or why it gets nothing."""
    threading.excepthook = lambda _: None  # the thread that carries packets, when its end goes
    with (
        tempfile.TemporaryDirectory() as folder,
        paid_link(0),
        closing(socket.create_server((LISTENS, PORT))) as listener,
    ):
        kept = Path(folder, "certificate"), Path(folder, "key")
        certificate.ensure_certificate(*kept)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*kept)
        relay = Relay(listener, context, json.loads(changes))
        _arrange(relay, moment, flags)
        threading.Thread(target=getattr(relay, moment), daemon=True).start()
        with Connection([Place(f"https://{FOUND}:{PORT}", kept[0].read_text(), "")]) as connection:
            try:
                sys.stdout.write(_talk(connection, moment, flags))
            except CourierError as error:
                sys.stdout.write(str(error))
            relay.over.set()


def _arrange(relay: Relay, moment: str, flags: tuple[str, ...]) -> None:
    if moment == "connecting":  # the SYN finds nobody
        subprocess.run(["ip", "addr", "flush", "dev", "relay0"], check=True)
    if "impatient" in flags:
        watched.BACK = 0.0
    if "deaf" in flags:

        def refuse(*_: object) -> None:
            raise OSError

        interface.Interface.__init__ = refuse  # type: ignore[assignment]
    watch = WatchedSocket._watch

    def noting(self: WatchedSocket) -> None:
        watch(self)
        relay.watching.set()

    WatchedSocket._watch = noting  # type: ignore[method-assign]


def _talk(connection: Connection, moment: str, flags: tuple[str, ...]) -> str:
    connection.connect(INTERFACE)
    if "deaf" in flags:
        connection._http.sock.settimeout(0.1)
    if moment == "sending":
        content = bytes(10_000_000)
        connection.upload(
            Sealed(1, len(content), bytes(32)),
            *(io.BytesIO(content), 0, "token", Held(), lambda _: None),
        )
    return connection.claim(b"claim").decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
