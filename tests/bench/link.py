# SPDX-License-Identifier: Apache-2.0
"""`make bench-link`: a night's mail over 64 kbit/s and a round trip of 1 s, whole and in pieces.

The newer half of notmuch's LKML corpus, 105 mails, comes down by a real courier from a real relay
through a proxy that shapes the link (rate and delay; not TCP's slow start, which a mobile network's
deep queue hides anyway). Then it is cut every few kilobytes: what is sent again is counted.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mokanda_firmware.courier import session
from mokanda_wire.protocol import Sealed
from tests.bench.corpora import halves
from tests.bench.wire import VILLAGERS, a_relay_and_village, receive
from tests.faults import FaultyLink, Plan

RATE = 64_000 / 8  # bytes a second
DELAY = 0.5  # seconds each way
DROP_EVERY = 8_000  # bytes down


@dataclass(frozen=True)
class Sync:
    """How it went; bytes are those of TCP's payload, both ways, TLS included."""

    seconds: float
    payload: int  # bytes of the sealed bundle
    carried: int
    connections: int


def night(plan: Plan) -> Sync:
    """Bring the mail down over such a link."""
    older, newer = halves("lkml")
    payload: list[int] = []
    download = session.Session._download

    def noting(self: session.Session, connection: object, down: Sealed, token: str) -> None:
        payload[:] = [down.size]
        download(self, connection, down, token)  # type: ignore[arg-type]

    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="mokanda-") as folder,
        a_relay_and_village(Path(folder), patch) as (world, village),
    ):
        url = urlsplit(village.claim.relay)
        assert url.hostname
        assert url.port
        with FaultyLink((url.hostname, url.port)) as link:
            village.claim = replace(village.claim, relay=f"https://127.0.0.1:{link.port}")
            village.import_claim()
            village.sync()
            for number, sample in enumerate(older):
                receive(world, sample, VILLAGERS[number % len(VILLAGERS)])
            village.sync()
            for number, sample in enumerate(newer):
                receive(world, sample, VILLAGERS[number % len(VILLAGERS)])
            patch.setattr(session.Session, "_download", noting)
            link.default = plan
            before, connections = sum(link.carried), link.connections
            began = time.monotonic()
            village.sync()
            seconds = time.monotonic() - began
            carried = sum(link.carried) - before
            return Sync(seconds, payload[0], carried, link.connections - connections)


def main() -> None:
    """Measure both, and print the last line as JSON."""
    logging.disable()
    shaped = Plan(rate=RATE, delay=DELAY)
    whole = night(shaped)
    sys.stdout.write(
        f"105 mails, {whole.payload} bytes sealed, at 64 kbit/s and 1 s: {whole.seconds:.1f} s, "
        f"{whole.carried} bytes in all\n"
    )
    pieces = night(replace(shaped, cut_after_down=DROP_EVERY))
    again = pieces.connections - 1
    bound = 1.1 * pieces.payload + 1500 * pieces.connections
    sys.stdout.write(
        f"cut after every {DROP_EVERY} bytes: {again} reconnects, {pieces.seconds:.1f} s, "
        f"{pieces.carried} bytes in all; 1.10 x payload + 1.5 KB a connection is {bound:.0f}\n"
    )
    result = {
        "seconds": round(whole.seconds, 1),
        "reconnects": again,
        "bytes": pieces.carried,
        "bound": round(bound),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
