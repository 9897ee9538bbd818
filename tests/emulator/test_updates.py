# SPDX-License-Identifier: Apache-2.0
"""An update from the relay into the other slot, with the power cut on the way.

It comes back with a damaged claim file on the card of the claimed device. The tests follow each
other on one board, whose card has just been flashed: slot A has its system.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.emulator.emulated_village import DAMAGED_CLAIM, EmulatedVillage
from tests.emulator.phone import Phone
from tests.emulator.ready_village import ReadyVillage
from tests.emulator.releases import Releases, install, is_state, offer, tries_left

GOOD = "9.0.0-dev"
# What is remembered of a version as it is started first.
ON_TRIAL_AGAIN = f"""
from mokanda_firmware.updates import health, memory
on_trial = {{'trial': '{GOOD}', 'slot': 'B', 'installed': True, 'lacked': health.lacking()}}
memory.Memory.read().then(**on_trial, begun=1700000000).keep()
""".strip().replace("\n", "; ")


@pytest.fixture(scope="module")
def village(
    ready_village: ReadyVillage, releases: Releases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedVillage]:
    """A village with a letter, whose board lost its power while it was installing an update."""
    damaged = tmp_path_factory.mktemp("claim") / "damaged.toml"
    damaged.write_text(DAMAGED_CLAIM)
    with ready_village.started(keeper=True) as village:
        update = releases.make(GOOD)
        offer(village, update, GOOD)
        # The link breaks on the way, which costs nothing that arrived.
        village.front.cut_after = update.stat().st_size // 2
        install(village)
        village.shell.wait_for_status("updates", is_state("installing", "failed"), 600)
        # At each start the board has this computer's time; this one is known to it alone.
        village.shell.check("systemctl stop mokanda-courier && date -s @$(($(date +%s) + 3600))")
        ready_village.keeper().write("awa", "Do not lose me", "I was here before the power went.")
        village.shell.wait_for_status(
            "updates", lambda now: now["state"] != "installing" or now["progress"] > 0.6, 300
        )
        assert village.shell.status("updates")["state"] == "installing"
        village.board.cut_power()
        village.board.write_setup_file(damaged)
        village.power_on()
        yield village


def test_a_power_cut_loses_no_letter(keeper: Phone) -> None:
    assert "I was here before" in keeper.read("inbox", "Do not lose me").text


def test_nor_does_it_set_the_clock_back(village: EmulatedVillage) -> None:
    told = village.shell.check("journalctl --dmesg --output cat")
    assert "the clock goes on from" in told


def test_a_damaged_claim_file_takes_no_claim_away(village: EmulatedVillage, keeper: Phone) -> None:
    setup = village.shell.wait_for_status("setup", lambda now: now["state"] == "claimed")
    assert "The claim file is damaged" in setup["detail"]
    assert "The claim file is damaged" in keeper.open("/device").text


def test_a_power_cut_while_installing_starts_the_old_slot(village: EmulatedVillage) -> None:
    assert village.slot() == "A"
    shown = village.shell.wait_for_status("updates", is_state("available"), 240)
    assert shown["offered"] == GOOD


def test_an_update_is_installed_and_proves_itself(
    village: EmulatedVillage, keeper: Phone, record_property: Callable[[str, object], None]
) -> None:
    village.shell.wait_for_status("updates", is_state("available"), 240)
    passed = village.front.bytes_down
    start = time.monotonic()
    install(village)  # what was fetched before the power cut is still there
    village.shell.wait_for_start(600)
    assert village.front.bytes_down - passed < 100_000
    record_property("update: installed and started", f"{time.monotonic() - start:.0f} s")
    village.wait_for_webmail()
    assert village.slot() == "B"
    shown = village.shell.wait_for_status("updates", lambda now: bool(now.get("installed")), 600)
    assert (shown["state"], shown["version"], shown["slot"]) == ("idle", GOOD, "B")
    assert tries_left(village, "B") == 9
    assert GOOD in keeper.open("/device").text


@pytest.mark.thorough
def test_a_version_on_trial_whose_proof_is_killed_is_started_anew(
    village: EmulatedVillage,
) -> None:
    village.shell.check(f'python3 -c "{ON_TRIAL_AGAIN}"', 120)
    village.shell.check("systemctl restart --no-block mokanda-healthy")
    village.shell.check("sleep 20; systemctl kill --kill-whom=main --signal=KILL mokanda-healthy")
    village.shell.wait_for_start(300)
    shown = village.shell.wait_for_status("updates", lambda now: bool(now.get("installed")), 600)
    assert (village.slot(), shown["version"]) == ("B", GOOD)
