# SPDX-License-Identifier: Apache-2.0
"""What all units of our own daemons have in common."""

from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "firmware/system/usr/lib/systemd/system"
# Nobody shows lights yet.
BEFORE_ALL = {"mokanda-mend", "mokanda-restore", "mokanda-wipe"}
SERVICES = {
    path.stem: path.read_text().splitlines()
    for path in sorted(UNITS.glob("*.service"))
    if path.stem not in BEFORE_ALL
}


@pytest.mark.parametrize("name", SERVICES)
def test_the_lights_hear_how_every_daemon_is(name: str) -> None:
    unit = SERVICES[name]
    noted = [line.split("/usr/lib/mokanda/")[1] for line in unit if "note-unit" in line]
    # A daemon notes its start by itself (bus.service.ready), and the firewall's command that of it.
    by_itself = "Type=notify" in unit or name == "mokanda-firewall"
    assert noted == ["note-unit %p up", "note-unit %p ended"][by_itself:]


@pytest.mark.parametrize("name", [name for name, unit in SERVICES.items() if "Type=notify" in unit])
def test_every_daemon_that_always_runs_has_a_watchdog(name: str) -> None:
    assert [line for line in SERVICES[name] if line.startswith("WatchdogSec=")]


def test_no_uplink_comes_up_without_the_firewall() -> None:
    assert "Requires=mokanda-firewall.service" in SERVICES["mokanda-modem"]
    closed = (UNITS.parent / "network/05-closed.network").read_text()
    assert "ActivationPolicy=always-down" in closed
    # networkd takes the first file that fits.
    assert min(path.name for path in (UNITS.parent / "network").glob("*.network")).startswith("05")


def test_lights_that_are_not_looked_after_show_a_fault() -> None:
    assert "ExecStopPost=-/usr/lib/mokanda/lights-ended" in SERVICES["mokanda-lights"]


@pytest.mark.parametrize("name", ["mokanda-courier", "mokanda-updates"])
def test_who_calls_the_relay_offers_little_to_it(name: str) -> None:
    (set_to,) = (line.split("OPENSSL_CONF=")[1] for line in SERVICES[name] if "OPENSSL" in line)
    assert (UNITS.parents[3] / set_to.lstrip("/")).is_file()
