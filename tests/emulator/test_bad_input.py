# SPDX-License-Identifier: Apache-2.0
"""What people and the world do wrong: each has its message where its reader looks."""

import re
from pathlib import Path
from typing import Any

import pytest

from scripts.tools.deadlines import wait_until
from tests.emulator.emulated_village import DAMAGED_CLAIM, EmulatedVillage
from tests.emulator.phone import Phone
from tests.emulator.releases import tries_left
from tests.stand_ins.front import Front

RESULT = "/run/mokanda/setup/mokanda-result.txt"


@pytest.fixture
def unclaimed(village: EmulatedVillage, keeper: Phone) -> None:  # noqa: ARG001
    """The device has no relay, and no key that a relay knows; it has its mail."""
    village.shell.check("systemctl stop mokanda-courier")
    village.shell.check("cd /data/mokanda && rm -rf claim.toml claim.json keys")
    village.shell.check("systemctl start mokanda-courier", seconds=60)


def import_claim(village: EmulatedVillage, claim: Path) -> None:
    """Put a claim file on the SETUP partition of the running board and have it read."""
    village.put(claim, "/run/claim.toml")
    folder = "/run/mokanda/setup"
    village.shell.check(
        f"mount -o remount,rw {folder} && cp /run/claim.toml {folder}/mokanda-claim.toml"
        f" && mount -o remount,ro {folder}"
    )
    village.shell.request("setup", "import")


def wait_for_result(village: EmulatedVillage, text: str) -> None:
    """Wait for the card's result file to say this: it is written after the status."""
    wait_until(
        lambda: text in village.shell.run(f"cat {RESULT}").output, f"{text!r} on the card", 60
    )


def is_refused(setup: dict[str, Any]) -> bool:
    return bool(setup["state"] == "claim_error")


def test_a_relay_that_cannot_be_reached_is_told(village: EmulatedVillage, keeper: Phone) -> None:
    village.front.refused = {Front.ANYBODY}
    courier = village.sync(keeper)
    assert courier["state"] == "failed"
    assert courier["detail"]
    page = keeper.open("/device").text
    assert "The last mail run failed. It will be tried again." in page
    village.front.refused = set()
    assert village.sync(keeper)["state"] == "idle"


def test_a_full_data_partition_keeps_all_that_it_has_and_starts_again(
    village: EmulatedVillage, keeper: Phone
) -> None:
    keeper.write("awa", "Do not lose me", "I was here before.")
    free = village.shell.check("df -k /data | tail -n 1").split()[3]
    fill = f"import os; os.posix_fallocate(os.open('/data/full', 65), 0, {int(free) * 1024})"
    village.shell.check(f'python3 -c "{fill}"')
    try:
        page = keeper.write("awa", "Too much", "x" * 50_000)
        assert "The device has no room left" in page.text
        assert "Do not lose me" in keeper.open("/inbox").text
        slot = village.slot()
        village.reboot()
        again = village.phone()
        assert again.log_in("awa")
        assert "The card is full." in again.open("/device").text
        assert "I was here before." in again.read("inbox", "Do not lose me").text
        wait_until(lambda: tries_left(village, slot) == 9, "the slot to be kept", 180, every=2)
        assert village.slot() == slot
    finally:
        village.shell.check("rm /data/full")
    keeper.write("awa", "Enough", "There is room again.")
    assert "There is room again." in keeper.read("inbox", "Enough").text


@pytest.mark.usefixtures("unclaimed")
def test_a_damaged_claim_file_says_what_to_do(
    village: EmulatedVillage, keeper: Phone, tmp_path: Path
) -> None:
    claim = tmp_path / "claim.toml"
    claim.write_text(DAMAGED_CLAIM)
    import_claim(village, claim)
    setup = village.shell.wait_for_status("setup", is_refused)
    assert re.search("The claim file is damaged .* copy it whole", setup["detail"])
    assert "The claim file is damaged" in keeper.open("/device").text
    wait_for_result(village, "The claim file is damaged")


@pytest.mark.usefixtures("unclaimed")
def test_a_claim_code_serves_one_device(village: EmulatedVillage, keeper: Phone) -> None:
    used = village.board.card.parent / "village.toml"
    import_claim(village, used)
    setup = village.shell.wait_for_status("setup", is_refused, 120)
    assert "This claim code was used by another device" in setup["detail"]
    assert "This claim code was used by another device" in keeper.open("/device").text
    wait_for_result(village, "This claim code was used")


@pytest.mark.usefixtures("unclaimed")
def test_a_new_claim_file_mends_it(village: EmulatedVillage, keeper: Phone) -> None:
    keeper.write("awa", "Do not lose me", "I was here before.")
    import_claim(village, village.write_claim("mended"))
    village.shell.wait_for_status("setup", lambda now: now["state"] == "claimed", 120)
    assert "This device belongs to its relay." in keeper.open("/device").text
    assert "I was here before" in keeper.read("inbox", "Do not lose me").text
