# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.setup import hotspot


def ssid(settings: str) -> bytes:
    line = next(line for line in settings.splitlines() if line.startswith("ssid2="))
    return bytes.fromhex(line.removeprefix("ssid2="))


def test_the_network_is_called_after_the_village() -> None:
    assert ssid(hotspot.hostapd("wlan0", "bolenge")) == b"Mokanda bolenge"


def test_a_device_without_a_claim_has_a_network_too() -> None:
    assert ssid(hotspot.hostapd("wlan0", "")) == b"Mokanda"


@given(st.text(max_size=60))
def test_any_village_makes_a_name_that_wi_fi_takes(village: str) -> None:
    name = ssid(hotspot.hostapd("wlan0", village))
    assert len(name) <= 32
    name.decode()


@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")
def test_dnsmasq_takes_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "dnsmasq.conf"
    file.write_text(hotspot.dnsmasq("wlan0"))
    subprocess.run(["dnsmasq", "--test", "-C", str(file)], check=True)


def test_every_name_leads_to_the_device() -> None:
    assert f"address=/#/{hotspot.ADDRESS}" in hotspot.dnsmasq("wlan0").splitlines()
