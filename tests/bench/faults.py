# SPDX-License-Identifier: Apache-2.0
"""`make bench-faults N=10000 SEED=1`: cut a device off N times; count mail lost and doubled.

Real store, courier and relay over a real socket. Most faults are connections cut after a random
number of bytes, in either direction: in the handshake, the hello, a bundle, a reply. Among them
couriers are killed (SIGKILL), the store is locked or full, two syncs start at once, and the two
ends' histories are made to differ. Mail goes on being written on both sides. In the end the link
is left alone, and every mail must be where it belongs, once.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mokanda_firmware import paths
from mokanda_firmware.courier import run
from mokanda_firmware.courier.failures import CourierError
from mokanda_firmware.mailbox import store as stores
from scripts.patience import wait_until
from tests.bench.wire import DOMAIN, a_relay_and_village
from tests.faults import FaultyLink, Plan
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.village import Village

VILLAGER = f"amina@{DOMAIN}"


@dataclass
class Trial:
    """A village, its relay, the link between them, and all mail written so far."""

    world: SendGridStandIn
    village: Village
    link: FaultyLink
    fate: random.Random
    out: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    other_faults: collections.Counter[str] = field(default_factory=collections.Counter)

    def write(self) -> None:
        """Now and then somebody writes, on either side."""
        if self.fate.random() < 0.15:
            self.out.append(f"out {len(self.out)}")
            size = self.fate.choice((0, 0, 300, 3000, 12_000))
            files = {"file.bin": self.fate.randbytes(size)} if size else None
            self.village.write(self.out[-1], files=files)
        if self.fate.random() < 0.15:
            self.back.append(f"back {len(self.back)}")
            size = self.fate.choice((0, 0, 300, 3000, 12_000))
            attached = [("f.bin", "application/octet-stream", self.fate.randbytes(size))]
            self.world.write(
                "ada@example.org",
                [VILLAGER],
                "Mbote",
                self.back[-1],
                attachments=attached if size else (),
            )

    def sync(self) -> None:
        """Sync once; that it fails is what this is about."""
        with suppress(CourierError):
            self.village.sync()

    def step(self) -> None:
        """One fault."""
        self.write()
        chance = self.fate.random()
        if chance < 0.97:
            self.link.plans.append(self._cut())
            self.sync()
            self.link.plans.clear()
        elif chance < 0.98:
            self.other_faults["killed"] += 1
            self._kill()
        elif chance < 0.985:
            self.other_faults["locked"] += 1
            with closing(sqlite3.connect(paths.mail_database())) as other:
                other.execute("BEGIN IMMEDIATE")
                self.sync()
                other.rollback()
        elif chance < 0.99:
            self.other_faults["full"] += 1
            attachments = self.village.store.attachments
            reserve, attachments.reserve = attachments.reserve, 1 << 60
            self.sync()
            attachments.reserve = reserve
        elif chance < 0.995:
            self.other_faults["at once"] += 1
            both = [threading.Thread(target=self.sync) for _ in range(2)]
            for each in both:
                each.start()
            for each in both:
                each.join()
        else:
            self.other_faults["history lost"] += 1
            with self.village.store.transaction() as connection:
                connection.execute("DELETE FROM history")
            self.sync()

    def _cut(self) -> Plan:
        size = int(self.fate.expovariate(1 / 1200))
        if self.fate.random() < 0.03:
            return Plan(refuse=True)
        abrupt = self.fate.random() < 0.5
        if self.fate.random() < 0.5:
            return Plan(cut_after_up=size, abrupt=abrupt)
        return Plan(cut_after_down=size, abrupt=abrupt)

    def _kill(self) -> None:
        command = [sys.executable, "-m", "mokanda_firmware.courier", "--once"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as courier:
            with suppress(subprocess.TimeoutExpired):
                courier.wait(self.fate.uniform(0.3, 1.5))
            courier.send_signal(signal.SIGKILL)

    def verdict(self) -> tuple[int, int]:
        """Let everything arrive; return how many mails were lost and doubled."""
        self.village.sync()
        with suppress(AssertionError):
            wait_until(lambda: len(self.world.sent) >= len(self.out), "the last mails", seconds=60)
        self.village.sync()
        ends = (
            (self.out, [mail.text for mail in self.world.sent]),
            (self.out, self.village.texts("sent")),
            (self.back, self.village.texts("inbox")),
        )
        lost = doubled = 0
        for written, arrived in ends:
            counts = collections.Counter(arrived)
            lost += sum(counts[text] == 0 for text in written)
            doubled += sum(count - 1 for count in counts.values() if count > 1)
            assert set(counts) <= set(written), "mail that nobody wrote"
        return lost, doubled


def torment(cuts: int, seed: int, *, quiet: bool = False) -> dict[str, object]:
    """Cut so many times; the result is what `main` prints last."""
    began = time.monotonic()
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="mokanda-") as folder,
        a_relay_and_village(Path(folder), patch) as (world, village),
    ):
        patch.setattr(run, "CUTS", 1)
        patch.setattr(stores, "BUSY_SECONDS", 0.2)
        url = urlsplit(village.claim.relay)
        assert url.hostname
        assert url.port
        with FaultyLink((url.hostname, url.port)) as link:
            village.claim = replace(village.claim, relay=f"https://127.0.0.1:{link.port}")
            village.import_claim()
            trial = Trial(world, village, link, random.Random(seed))
            village.sync()
            told = 0
            while link.cuts < cuts:
                trial.step()
                if not quiet and link.cuts >= told + max(cuts // 20, 1):
                    told = link.cuts
                    elapsed = time.monotonic() - began
                    mails = len(trial.out) + len(trial.back)
                    sys.stdout.write(f"{elapsed:6.0f} s {told:7d} cuts {mails:6d} mails\n")
                    sys.stdout.flush()
            lost, doubled = trial.verdict()
            return {
                "cuts": link.cuts,
                **trial.other_faults,
                "mails": len(trial.out) + len(trial.back),
                "lost": lost,
                "doubled": doubled,
            }


def main() -> int:
    """Torment as the arguments say."""
    parser = argparse.ArgumentParser(prog="make bench-faults", description="Cuts a device off.")
    parser.add_argument("--cuts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.disable()  # the relay tells of each broken connection
    result = torment(arguments.cuts, arguments.seed)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["lost"] == result["doubled"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
