# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mokanda_firmware.setup import hotspot


@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")
def test_dnsmasq_takes_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "dnsmasq.conf"
    file.write_text(hotspot.dnsmasq("wlan0"))
    subprocess.run(["dnsmasq", "--test", "-C", str(file)], check=True)


def test_every_name_leads_to_the_device() -> None:
    assert f"address=/#/{hotspot.ADDRESS}" in hotspot.dnsmasq("wlan0").splitlines()


def test_dnsmasq_may_read_its_settings_and_nobody_else_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data", "run"):
        monkeypatch.setenv(f"MOKANDA_{name.upper()}", str(tmp_path / name))
    command = [sys.executable, "-m", "mokanda_firmware.setup.hotspot", "wlan0", str(tmp_path)]
    subprocess.run(command, check=True, umask=0o007)
    assert (tmp_path / "dnsmasq.conf").stat().st_mode & 0o004
    assert not (tmp_path / "hostapd.conf").stat().st_mode & 0o007
