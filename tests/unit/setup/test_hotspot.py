# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess
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
