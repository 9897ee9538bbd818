# SPDX-License-Identifier: Apache-2.0
"""The keeper's settings of the Wi-Fi, and the ends of a village."""

import pytest

from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone, password_of

CARD = "/run/mokanda/setup"


def is_new(village: EmulatedVillage) -> bool:
    return "This device is new." in village.phone().open("/inbox").text


def test_the_keeper_sets_the_wifi(village: EmulatedVillage, keeper: Phone) -> None:
    page = keeper.fill_in(
        *("/device/village", "/device/village"), village="Boende", key="mbote na yo"
    )
    assert "mbote na yo" in page.text
    # There is no card to start it with, but hostapd reads its settings first.
    said = village.shell.run(
        "mkdir -p /run/wifi; python3 -m mokanda_firmware.setup.hotspot wlan0 /run/wifi;"
        " grep -c ^wpa_psk= /run/wifi/hostapd.conf; hostapd /run/wifi/hostapd.conf",
        seconds=120,
    ).output
    assert "1" in said.splitlines()
    assert "errors found in configuration" not in said
    assert "wlan0" in said


def test_a_device_that_its_keeper_wipes_is_new(village: EmulatedVillage, keeper: Phone) -> None:
    page = keeper.fill_in(*("/device/wipe", "/device/wipe"), password=password_of("awa"), sure="1")
    assert "The device is wiped" in page.text
    village.shell.wait_for_start()
    village.wait_for_webmail()
    assert is_new(village)
    assert not keeper.log_in("awa")
    setup = village.shell.wait_for_status("setup", lambda now: now["state"] == "claim_error")
    assert "was used before this device was wiped" in setup["detail"]


@pytest.mark.thorough
@pytest.mark.usefixtures("keeper")
def test_a_device_that_its_card_wipes_is_new(village: EmulatedVillage) -> None:
    assert not is_new(village)
    village.shell.check(f"mount -o remount,rw {CARD} && touch {CARD}/mokanda-wipe.txt && sync")
    village.reboot()
    assert is_new(village)
    assert "mokanda-is-wiped.txt" in village.shell.check(f"ls {CARD}")
