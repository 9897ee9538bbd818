# SPDX-License-Identifier: Apache-2.0
"""`make bench-link`: a night's mail over 64 kbit/s and a round trip of 1 s, whole and in pieces.

The newer half of notmuch's LKML corpus, 105 mails, comes down by a real courier from a real relay
through a proxy that shapes the link (rate and delay; not TCP's slow start, which a mobile network's
deep queue hides anyway). Then it comes, and a mail with a photo goes up, over a link that breaks
every few kilobytes: all bytes are counted, of TLS too, and of what is sent again.
Before, a night with nothing to trade is billed, packet by packet (`tests/bench/night.py`).
"""

from __future__ import annotations

import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mokanda_firmware.courier import run, session
from tests.bench.corpora import Sample, halves
from tests.bench.night import Call, calls
from tests.bench.output import say
from tests.bench.wire import VILLAGERS, a_relay_and_village, receive
from tests.faults import FaultyLink, Plan
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.syncing_village import Village

SHAPED = Plan(rate=64_000 / 8, delay=0.5)  # bytes a second; seconds each way
DROPS = (3_000, 8_000)  # bytes after which the link breaks: from, to
PHOTO = 24_000  # bytes
IDLE_AT_MOST = 1500  # bytes of IP
CONNECTIONS = 1000  # more than any trial takes


@dataclass(frozen=True)
class Sync:
    """How a sync went; bytes are those of TCP's payload, both ways, TLS included."""

    seconds: float
    payload: int  # bytes of the sealed bundle
    carried: int
    connections: int
    round_trips: int

    @property
    def bound(self) -> float:
        """What it may carry at most: 1.10 x payload and 1500 bytes a reconnect."""
        return 1.1 * self.payload + 1500 * (self.connections - 1)


@dataclass(frozen=True)
class Bench:
    """A village whose link is in the way."""

    world: SendGridStandIn
    village: Village
    link: FaultyLink
    sizes: list[int]  # of the sealed bundles of the last sync

    def receive(self, samples: Sequence[Sample]) -> None:
        """Have mail arrive at the relay."""
        for number, sample in enumerate(samples):
            receive(self.world, sample, VILLAGERS[number % len(VILLAGERS)])

    def sync(self, *plans: Plan) -> Sync:
        """Sync over such connections."""
        link = self.link
        carried, connections, round_trips = sum(link.carried), link.connections, link.round_trips
        link.plans.extend(plans)
        self.sizes.clear()
        began = time.monotonic()
        self.village.sync()
        link.plans.clear()
        link.rest()
        return Sync(
            time.monotonic() - began,
            sum(set(self.sizes)),
            sum(link.carried) - carried,
            link.connections - connections,
            link.round_trips - round_trips,
        )


@contextmanager
def a_bench() -> Iterator[Bench]:
    """A relay and a claimed village."""
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="mokanda-") as folder,
        a_relay_and_village(Path(folder), patch) as (world, village),
    ):
        patch.setattr(run, "PAUSE", 0)
        sizes: list[int] = []
        progress = session.Session._progress

        def noting(self: session.Session, size: int, start: int) -> Callable[[int], None]:
            sizes.append(size)
            return progress(self, size, start)

        patch.setattr(session.Session, "_progress", noting)
        with FaultyLink.before(village.claim.relay) as link:
            village.claim = village.claim._replace(relay=f"https://127.0.0.1:{link.port}")
            village.import_claim()
            village.sync()
            yield Bench(world, village, link, sizes)


def breaking(way: str) -> list[Plan]:
    """Connections that break every few kilobytes, on the way up or down."""
    chance = random.Random(1)
    return [
        Plan(**{f"cut_after_{way}": chance.randint(*DROPS)})  # type: ignore[arg-type]
        for _ in range(CONNECTIONS)
    ]


def main() -> int:
    """Measure, and print the last line as JSON."""
    logging.disable()
    idle_call = _say_nights()
    older, newer = halves("lkml")
    with a_bench() as bench:
        bench.receive(older)
        bench.sync()
        idle = bench.sync()
        say(f"nothing to fetch: {idle.round_trips} round trips, {idle.carried} bytes in all")
        bench.receive(newer)
        whole = bench.sync(SHAPED)
        say(
            f"105 mails, {whole.payload} bytes sealed, at 64 kbit/s and 1 s: {whole.seconds:.1f} s,"
            f" {whole.carried} bytes in all"
        )
    broken = {}
    with a_bench() as bench:
        bench.receive(older)
        bench.sync()
        bench.receive(newer)
        broken["down"] = bench.sync(*breaking("down"))
        photo = {"photo.jpg": random.Random(1).randbytes(PHOTO)}
        bench.village.write("With a photo", files=photo)
        broken["up"] = bench.sync(*breaking("up"))
    for way, sync in broken.items():
        say(
            f"{sync.payload} bytes {way}, broken every {DROPS[0]} to {DROPS[1]} bytes:"
            f" {sync.connections - 1} reconnects, {sync.carried} bytes in all;"
            f" 1.10 x payload + 1.5 KB a reconnect is {sync.bound:.0f}"
        )
    result = {
        "seconds": round(whole.seconds, 1),
        "round_trips_idle": idle.round_trips,
        "ip_idle": idle_call.total,
        **{
            way: {
                "payload": sync.payload,
                "reconnects": sync.connections - 1,
                "bytes": sync.carried,
                "bound": round(sync.bound),
            }
            for way, sync in broken.items()
        },
    }
    say(json.dumps(result))
    kept = all(sync.carried <= sync.bound for sync in broken.values())
    kept = kept and idle_call.total <= IDLE_AT_MOST
    return 0 if kept and whole.seconds <= 15 and idle.round_trips <= 4 else 1


def _say_nights() -> Call:
    """Say what is billed of a device's first call and of an idle night's; return the latter."""
    first, *idle = calls()
    say(f"the call in which a device claims its relay: {first.total} bytes of IP")
    call = min(idle, key=lambda each: each.total)
    say(f"a night with nothing to trade: {call.total} bytes of IP, {call.up} up, {call.down} down")
    for packet in call.packets:
        say(f"  {packet}")
    for kind, size in call.kinds.items():
        say(f"  {size:5} {kind}")
    return call


if __name__ == "__main__":
    sys.exit(main())
