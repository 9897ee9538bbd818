# SPDX-License-Identifier: Apache-2.0
"""An update from the relay into the other slot, with the power cut on the way.

The tests follow each other on one board, whose card has just been flashed: slot A has its system.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.ready_village import ReadyVillage
from tests.emulator.releases import Releases, install, is_state, offer, tries_left

GOOD = "9.0.0-dev"


@pytest.fixture(scope="module")
def village(ready_village: ReadyVillage, releases: Releases) -> Iterator[EmulatedVillage]:
    """A village whose board lost its power while it was installing an update."""
    with ready_village.started() as village:
        update = releases.make(GOOD)
        offer(village, update, GOOD)
        # The link breaks on the way, which costs nothing that arrived.
        village.front.cut_after = update.stat().st_size // 2
        install(village)
        village.shell.wait_for_status("updates", is_state("installing", "failed"), 600)
        village.shell.wait_for_status(
            "updates", lambda now: now["state"] != "installing" or now["progress"] > 0.6, 300
        )
        assert village.shell.status("updates")["state"] == "installing"
        village.board.cut_power()
        village.power_on()
        yield village


def test_a_power_cut_while_installing_starts_the_old_slot(village: EmulatedVillage) -> None:
    assert village.slot() == "A"
    shown = village.shell.wait_for_status("updates", is_state("available"), 240)
    assert shown["offered"] == GOOD


def test_an_update_is_installed_and_proves_itself(
    village: EmulatedVillage, record_property: Callable[[str, object], None]
) -> None:
    village.shell.wait_for_status("updates", is_state("available"), 240)
    passed = village.front.bytes_down
    start = time.monotonic()
    install(village)  # what was fetched before the power cut is still there
    village.shell.wait_for_status("updates", is_state("installed", "failed"), 300)
    assert village.front.bytes_down - passed < 100_000
    record_property("update: installed", f"{time.monotonic() - start:.0f} s")
    village.shell.wait_for_start(300)
    village.wait_for_webmail()
    assert village.slot() == "B"
    shown = village.shell.wait_for_status("updates", lambda now: bool(now), 300)
    assert (shown["state"], shown["version"], shown["slot"]) == ("idle", GOOD, "B")
    assert tries_left(village, "B") == 3
    phone = village.phone()
    phone.register("visitor", "A visitor")
    assert GOOD in phone.open("/device").text
