# SPDX-License-Identifier: Apache-2.0
"""Faults of the table on a board with a letter: the short ones, or all with --thorough."""

from __future__ import annotations

import pytest

from scripts.tools.deadlines import wait_until
from tests.emulator.destruction import begin_with_b, destroy
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone
from tests.fault_table import Fault, faults


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--thorough")
    chosen = [fault for fault in faults() if not fault.tests and (fault.quick or every)]
    metafunc.parametrize("fault", chosen, ids=[fault.name for fault in chosen])


def test_what_has_to_hold_holds(fault: Fault, village: EmulatedVillage, keeper: Phone) -> None:
    keeper.write("awa", "Do not lose me", "I was here before.")
    if fault.destroys:
        village.shell.check("sync")
        village.board.cut_power()
        if fault.from_b:
            begin_with_b(village.board.card)
        for what in fault.destroys:
            destroy(village.board.card, what)
        village.power_on()
    elif fault.starts:
        village.board.console.write(f"sync; {fault.does}\n")
        village.shell.wait_for_start(300)
        village.wait_for_webmail()
    elif fault.does:
        village.shell.check(fault.does, 120)
    for unit in fault.kills:
        kill(village, unit)
    until = fault.until or " && ".join(f"systemctl is-active {unit}" for unit in fault.kills)
    wait_until(lambda: village.shell.run(until, 120).code == 0, fault.holds, fault.seconds, every=1)
    village.wait_for_webmail()
    assert "I was here before." in keeper.read("inbox", "Do not lose me").text


def kill(village: EmulatedVillage, unit: str) -> None:
    """Kill the main process of a unit, which is started where it runs on demand only."""

    def main_process() -> str:
        return village.shell.check(f"systemctl show --value --property MainPID {unit}")

    village.shell.check(f"systemctl start {unit}", 120)
    killed = main_process()
    village.shell.check(f"kill -KILL {killed}")
    wait_until(lambda: main_process() != killed, f"the end of {unit}", 30)
