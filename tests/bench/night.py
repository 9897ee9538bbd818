# SPDX-License-Identifier: Apache-2.0
"""What is billed of a night with nothing to trade: each packet of IP, and of what kind it is.

A real courier calls a real relay over a modem's link (`tests/stand_ins/paid_link.py`), in a process
of its own: the kernel's network has to be that of nobody else. `make bench-link` prints it.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from mokanda_firmware.uplink import addresses, link
from tests.bench.corpora import REPOSITORY
from tests.bench.wire import a_relay_and_village
from tests.namespaces import own_network
from tests.stand_ins.paid_link import FOUND, INTERFACE, LISTENS, Packet, PaidLink, paid_link
from tests.syncing_village import Village

DELAY: Final = 0.25  # seconds each way
IDLE_NIGHTS: Final = 2
_PORT: Final = 8443
_RELAY: Final = "relay.example.org"  # of which the device knows the address
_ENCRYPTED: Final = 23  # kind of TLS records
_TLS: Final = REPOSITORY / "firmware/system/usr/lib/mokanda/tls.cnf"


@dataclass(frozen=True)
class Call:
    """A modem's call, in bytes of IP: what crossed the link, and what the keeper is told of it."""

    up: int
    down: int
    told_up: int
    told_down: int
    packets: list[str]
    kinds: dict[str, int]

    @property
    def total(self) -> int:
        """What is billed."""
        return self.up + self.down


def calls() -> list[Call]:
    """The call by which a device claims its relay, then those of some nights.

    Skips a test where the machine lets nobody make a network.
    """
    command = [*own_network(), sys.executable, "-m", "tests.bench.night"]
    environment = {**os.environ, "OPENSSL_CONF": str(_TLS)}
    done = subprocess.run(
        command, env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, timeout=240
    )
    return [Call(**each) for each in json.loads(done.stdout)]


@contextmanager
def _a_village() -> Iterator[tuple[Village, PaidLink]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="mokanda-") as folder,
        paid_link(DELAY) as way,
        a_relay_and_village(Path(folder), patch, _PORT, LISTENS) as (_, village),
    ):
        patch.setattr(link, "ask", _modem)
        patch.setattr(link, "held", _held)
        village.claim = village.claim._replace(relay=f"https://{_RELAY}:{_PORT}")
        village.import_claim()
        addresses.remember(_RELAY, FOUND)
        yield village, way


def _modem(_service: str, request: str, **_: Any) -> dict[str, str]:  # noqa: ANN401
    if request == "disconnect":
        time.sleep(3 * DELAY)  # what an end calls forth at the other one is billed, too
    return {"interface": INTERFACE}


@contextmanager
def _held(service: str, request: str, **_: Any) -> Iterator[dict[str, str]]:  # noqa: ANN401
    yield _modem(service, request)


def _call(village: Village, way: PaidLink) -> Call:
    record = village.sync()
    assert record.error is None, record
    packets = way.taken()
    return Call(
        sum(packet.size for packet in packets if packet.is_up),
        sum(packet.size for packet in packets if not packet.is_up),
        record.bytes_up,
        record.bytes_down,
        [_said(packet, packets[0].moment) for packet in packets],
        _by_kind(packets),
    )


def _said(packet: Packet, began: float) -> str:
    way = "up" if packet.is_up else "down"
    records = " + ".join(str(size) for _, size in packet.records)
    return f"{packet.moment - began:5.2f} s {way:4} {packet.size:5} {packet.name:4} {records}"


def _by_kind(packets: list[Packet]) -> dict[str, int]:
    """Bytes by what they are for; a handshake ends with the first that a device encrypts."""
    kinds: Counter[str] = Counter()
    is_shaken = False
    for packet in packets:
        way = "up" if packet.is_up else "down"
        if packet.name == "SYN":
            is_shaken = False
        if not packet.records:
            kinds["ACK alone" if packet.name == "ACK" else "SYN, FIN, RST"] += packet.size
            continue
        kinds["headers of IP and TCP"] += packet.head
        for kind, size in packet.records:
            kinds[f"{'HTTP in TLS' if is_shaken else 'TLS'} {way}"] += size
            is_shaken |= packet.is_up and kind == _ENCRYPTED
    return dict(kinds)


def main() -> None:
    """Measure in this network, which is nobody else's, and print the calls as JSON."""
    logging.disable()
    with _a_village() as (village, way):
        made = [_call(village, way) for _ in range(1 + IDLE_NIGHTS)]
    sys.stdout.write(json.dumps([asdict(each) for each in made]))


if __name__ == "__main__":
    main()
