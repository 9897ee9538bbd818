# SPDX-License-Identifier: Apache-2.0
"""The power goes, and comes back with a damaged claim file on the card of the claimed device.

The tests look at one board, and change nothing.
"""

from collections.abc import Iterator

import pytest

from tests.emulator.emulated_village import DAMAGED_CLAIM, EmulatedVillage
from tests.emulator.phone import Phone
from tests.emulator.ready_village import ReadyVillage


@pytest.fixture(scope="module")
def village(
    ready_village: ReadyVillage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedVillage]:
    """A village whose keeper had a letter before the power went."""
    damaged = tmp_path_factory.mktemp("claim") / "damaged.toml"
    damaged.write_text(DAMAGED_CLAIM)
    with ready_village.started() as village:
        phone = village.phone()
        phone.register("awa", "Awa")
        # At each start the board has this computer's time; this one is known to it alone.
        village.shell.check("systemctl stop mokanda-courier")
        village.shell.check("date -s @$(($(date +%s) + 3600))")
        phone.write("awa", "Do not lose me", "I was here before the power went.")
        village.board.cut_power()
        village.board.write_setup_file(damaged)
        village.power_on()
        yield village


@pytest.fixture(scope="module")
def keeper(village: EmulatedVillage) -> Phone:
    phone = village.phone()
    assert phone.log_in("awa")
    return phone


def test_a_power_cut_loses_no_letter(keeper: Phone) -> None:
    assert "I was here before" in keeper.read("inbox", "Do not lose me").text


def test_nor_does_it_set_the_clock_back(village: EmulatedVillage) -> None:
    told = village.shell.check("journalctl --unit mokanda-clock --output cat")
    assert "the clock goes on from" in told


def test_a_damaged_claim_file_takes_no_claim_away(village: EmulatedVillage, keeper: Phone) -> None:
    setup = village.shell.wait_for_status("setup", lambda now: now["state"] == "claimed")
    assert "The claim file is damaged" in setup["detail"]
    assert "The claim file is damaged" in keeper.open("/device").text
