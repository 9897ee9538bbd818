# SPDX-License-Identifier: Apache-2.0
"""What the keeper sets for the Wi-Fi, what is kept of it, and what it becomes when it fails."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware import paths
from mokanda_firmware.bus.states import HotspotState, SetupState
from mokanda_firmware.bus.statuses import HotspotStatus, SetupStatus
from mokanda_firmware.setup import hotspot, wifi
from mokanda_firmware.setup.wifi import Wifi, WifiError
from tests.statuses import published

LOCKED = Wifi("Écluse de Boende", "malamu mingi 2026", "CD")


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the starts of this boot are noted."""
    for name in ("data", "run"):
        monkeypatch.setenv(f"MOKANDA_{name.upper()}", str(tmp_path / name))
    SetupStatus(SetupState.CLAIMED, village="Boende").publish()
    return tmp_path / "starts.json"


def settings(text: str) -> dict[str, str]:
    """Read hostapd's settings as it does: a line each, a name, the rest."""
    pairs = [line.partition("=") for line in text.splitlines()]
    assert all(equals for _, equals, _ in pairs)
    names = [name for name, _, _ in pairs]
    assert len(set(names)) == len(names)
    return {name: value for name, _, value in pairs}


def allowed(network: Wifi) -> bool:
    try:
        network.check()
    except WifiError:
        return False
    return True


# From IEEE 802.11-2016, J.4.2.
@pytest.mark.parametrize(
    ("name", "key", "bits"),
    [
        ("IEEE", "password", "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"),
        (
            "ThisIsASSID",
            "ThisIsAPassword",
            "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af",
        ),
    ],
)
def test_a_key_becomes_what_the_radio_has(name: str, key: str, bits: str) -> None:
    assert settings(hotspot.hostapd("wlan0", Wifi(name, key)))["wpa_psk"] == bits


def test_an_open_network_asks_for_no_key() -> None:
    assert not [name for name in settings(hotspot.hostapd("wlan0", Wifi("B"))) if "wpa" in name]


def test_the_country_is_told_to_the_card_and_the_phones() -> None:
    told = settings(hotspot.hostapd("wlan0", LOCKED))
    assert (told["country_code"], told["ieee80211d"]) == ("CD", "1")


@given(st.text(max_size=40), st.text(max_size=70), st.text(max_size=3))
def test_whatever_is_typed_changes_no_other_setting(name: str, key: str, country: str) -> None:
    network = Wifi(name, key, country)
    if not allowed(network):
        return
    told = settings(hotspot.hostapd("wlan0", network))
    assert bytes.fromhex(told["ssid2"]).decode() == name
    assert told["interface"] == "wlan0"
    assert set(told) <= {*settings(hotspot.hostapd("wlan0", LOCKED))}


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63))
def test_every_key_that_wpa_takes_is_taken(key: str) -> None:
    Wifi("Boende", key).check()


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (Wifi(""), "needs a name"),
        (Wifi("   "), "needs a name"),
        (Wifi("Bo\nende"), "needs a name"),
        (Wifi("\ud800"), "needs a name"),
        (Wifi("é" * 17), "too long"),
        (Wifi("Boende", "short"), "8 to 63"),
        (Wifi("Boende", "x" * 64), "8 to 63"),
        (Wifi("Boende", "clé secrète"), "8 to 63"),
        (Wifi("Boende", "12345678\n"), "8 to 63"),
        (Wifi("Boende", "", "cd"), "two letters"),
        (Wifi("Boende", "", "CDX"), "two letters"),
    ],
)
def test_what_cannot_be_a_network_is_refused_and_says_why(network: Wifi, sentence: str) -> None:
    with pytest.raises(WifiError, match=sentence):
        network.check()


@given(st.text(max_size=60))
def test_any_village_makes_a_network(village: str) -> None:
    wifi.of_village(village).check()


@pytest.mark.usefixtures("record")
def test_what_was_set_is_there_after_a_start() -> None:
    assert wifi.write(LOCKED)
    assert wifi.read() == LOCKED
    assert not wifi.write(LOCKED)


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": 7}', '{"name": "x", "key": "y"}'])
def test_a_damaged_file_counts_as_none(content: str) -> None:
    wifi.write(LOCKED)
    paths.wifi().write_text(content)
    assert wifi.read() is None


def test_a_device_on_which_nothing_was_set_is_open_and_called_after_its_village(
    record: Path,
) -> None:
    assert hotspot.choose(record, 0) == Wifi("Mokanda Boende")
    assert published(HotspotStatus).state is HotspotState.OPEN


def test_the_keepers_network_is_the_one_that_starts(record: Path) -> None:
    wifi.write(LOCKED)
    assert hotspot.choose(record, 0) == LOCKED
    assert published(HotspotStatus) == HotspotStatus(HotspotState.LOCKED, network=LOCKED.name)


def test_a_network_that_does_not_stay_up_is_opened_as_a_new_devices(record: Path) -> None:
    wifi.write(LOCKED)
    started = [hotspot.choose(record, seconds) for seconds in (0, 6, 12, 18, 24, 5000)]
    assert started == [LOCKED] * 3 + [Wifi("Mokanda Boende")] * 3
    assert published(HotspotStatus).state is HotspotState.GIVEN_UP


def test_new_settings_are_tried_after_others_were_given_up(record: Path) -> None:
    wifi.write(LOCKED)
    for seconds in (0, 6, 12, 18):
        hotspot.choose(record, seconds)
    wifi.write(Wifi("Boende"))
    assert hotspot.choose(record, 24) == Wifi("Boende")


def test_the_next_start_of_the_device_tries_again(record: Path) -> None:
    wifi.write(LOCKED)
    for seconds in (0, 6, 12, 18):
        hotspot.choose(record, seconds)
    record.unlink()  # as everything in /run
    assert hotspot.choose(record, 0) == LOCKED


def test_a_card_that_fails_now_and_then_keeps_its_settings(record: Path) -> None:
    wifi.write(LOCKED)
    assert {hotspot.choose(record, seconds) for seconds in range(0, 6000, 60)} == {LOCKED}


@pytest.mark.skipif(shutil.which("hostapd") is None, reason="hostapd is not installed")
@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (hotspot.hostapd("nocard0", LOCKED), False),
        (hotspot.hostapd("nocard0", Wifi("Mokanda")), False),
        (hotspot.hostapd("nocard0", LOCKED).replace("country_code=CD", "country_code=C"), True),
    ],
)
def test_hostapd_takes_its_settings(tmp_path: Path, text: str, errors: bool) -> None:
    file = tmp_path / "hostapd.conf"
    file.write_text(text)
    # It reads its settings first, and ends as there is no such card.
    done = subprocess.run(
        ["hostapd", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ("errors found in configuration" in done.stdout) == errors
