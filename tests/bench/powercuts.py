# SPDX-License-Identifier: Apache-2.0
"""`make bench-powercuts N=200 SEED=1`: power cuts by the hundred, on the emulated board.

A life after the other begins with the same village, is cut short in the midst of something, then
some times while it boots, and has to come up in the end with every letter that was called sent
(tests/emulator/power_cuts.py). What of a life is chance comes from the seed and the life's number;
what a board has done by the moment of a cut hangs on this computer, too.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Final

from scripts.emulator.snapshot import Snapshot
from scripts.releases.image import read_image
from scripts.tools.repository import REPOSITORY
from tests.bench.output import say
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.power_cuts import Life, Tally
from tests.emulator.ready_village import ReadyVillage
from tests.emulator.releases import IMAGE, Releases, install, is_state, offer
from tests.stand_ins.mobile_network import mobile_network

FOLDER: Final = REPOSITORY / "build/emulator/power-cuts"
UPDATE: Final = "9.0.0-dev"
# Each life begins with a cut in the midst of one of these: how often of ten, and of what.
BEGINNINGS: Final = {"letters": 4, "mail run": 2, "update": 3, "slots": 1}
# How often the power is cut in the boots after that: more often than any slot has tries, too.
BOOTS: Final = (2, 12)


class Lives:
    """Lives that begin with one village, which an update waits for."""

    def __init__(self, ready: ReadyVillage, releases: Releases) -> None:
        self._ready, self._releases = ready, releases
        self._size: int = releases.image.record["files"]["root.squashfs"]["size"]

    def live(self, fate: random.Random, tally: Tally, cuts: int) -> None:
        """Go through a life, of which `tally` has at most `cuts` in the end."""
        [beginning] = fate.choices(list(BEGINNINGS), list(BEGINNINGS.values()))
        updates = beginning in ("update", "slots")
        state = self._installing if updates else None
        with self._ready.started(keeper=True, state=state) as village:
            keeper, boot_seconds = self._ready.keeper(), self._ready.seconds_to_webmail
            life = Life(village, keeper, fate, boot_seconds, tally, say)
            match beginning:
                case "letters":
                    life.cut_among_letters()
                case "mail run":
                    life.cut_in_mail_run()
                case "update":
                    life.cut_in_update(self._size)
                case "slots":
                    life.cut_as_slots_change_places(self._size)
            for _ in range(fate.randint(*BOOTS)):
                if tally.cuts < cuts:
                    life.cut_in_boot()
            if tally.cuts < cuts and fate.random() < 1 / 4:
                life.cut_as_it_proves_itself()
            life.come_up()

    @cached_property
    def _installing(self) -> Snapshot:
        """The village as an update begins to be written to slot B; fetching it takes long."""

        def begin(village: EmulatedVillage) -> None:
            offer(village, self._releases.make(UPDATE), UPDATE)
            install(village)
            village.shell.wait_for_status("updates", is_state("installing"), 600)

        return self._ready.after("installing", begin)


def main() -> int:
    """Cut the power as often as the arguments say."""
    parser = argparse.ArgumentParser(prog="make bench-powercuts", description=__doc__)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--image", type=Path, default=IMAGE)
    options = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "releases").mkdir(parents=True)
    releases = Releases(read_image(options.image.parent), FOLDER / "releases")
    tally = Tally()
    with mobile_network() as network:
        lives = Lives(ReadyVillage(options.image, FOLDER / "village", network), releases)
        number = 0
        while tally.cuts < options.cuts:
            number += 1
            say(f"life {number}")
            lives.live(random.Random(f"{options.seed}/{number}"), tally, options.cuts)
    say(json.dumps(asdict(tally)))
    return 0 if tally.stranded == tally.lost == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
