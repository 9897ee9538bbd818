# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from mokanda_firmware.setup import hotspot

SYSTEM = Path(__file__).parents[3] / "firmware/system/usr/lib"
NETWORK, FIREWALL = SYSTEM / "systemd/network/10-hotspot.network", SYSTEM / "mokanda/firewall.nft"


@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")
def test_dnsmasq_takes_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "dnsmasq.conf"
    file.write_text(hotspot.dnsmasq("wlan0"))
    subprocess.run(["dnsmasq", "--test", "-C", str(file)], check=True)


def test_the_card_has_the_addresses_that_phones_are_told() -> None:
    lines = NETWORK.read_text().splitlines()
    addresses = [line.partition("=")[2] for line in lines if line.startswith("Address=")]
    assert addresses == [f"{hotspot.ADDRESS}/24", f"{hotspot.PORTAL}/32"]
    assert f"ip daddr set {hotspot.ADDRESS} " in FIREWALL.read_text()


def test_names_lead_to_an_address_that_phones_take_for_one_of_the_world() -> None:
    """As Android's NetworkMonitor and Samsung's have it, and none that is somebody's."""
    portal = ip_address(hotspot.PORTAL)
    private = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
    assert not any(portal in ip_network(each) for each in private)
    assert not portal.is_global


def test_dnsmasq_may_read_its_settings_and_nobody_else_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data", "run"):
        monkeypatch.setenv(f"MOKANDA_{name.upper()}", str(tmp_path / name))
    command = [sys.executable, "-m", "mokanda_firmware.setup.hotspot", "wlan0", str(tmp_path)]
    subprocess.run(command, check=True, umask=0o007)
    assert (tmp_path / "dnsmasq.conf").stat().st_mode & 0o004
    assert not (tmp_path / "hostapd.conf").stat().st_mode & 0o007
