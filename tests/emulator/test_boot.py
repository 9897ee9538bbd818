# SPDX-License-Identifier: Apache-2.0
"""What the board is like once it is up. The tests look at one board, and change nothing."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from scripts.emulator.card import CARD_SIZE
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.ready_village import ReadyVillage

# The budget of docs/: all our daemons together, on a board of 256 MiB.
DAEMONS_MIB = 90


@pytest.fixture(scope="module")
def village(ready_village: ReadyVillage) -> Iterator[EmulatedVillage]:
    with ready_village.started() as village:
        yield village


def test_it_boots_to_the_webmail(
    village: EmulatedVillage,
    ready_village: ReadyVillage,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("power-on to webmail", f"{ready_village.seconds_to_webmail:.0f} s")
    assert village.shell.check("systemctl is-active mokanda-webmail") == "active"


def test_no_unit_failed(village: EmulatedVillage) -> None:
    village.shell.run("systemctl is-system-running --wait", seconds=120)
    assert village.shell.check("systemctl --failed --plain --no-legend") == ""


def test_the_root_file_system_cannot_be_written(village: EmulatedVillage) -> None:
    assert "Read-only" in village.shell.run("touch /etc/written /usr/written").output


def test_the_data_partition_fills_the_card(village: EmulatedVillage) -> None:
    blocks = village.shell.check("df -k /data | tail -n 1").split()[1]
    assert int(blocks) * 1024 > 0.8 * CARD_SIZE


def test_the_watchdog_is_on(village: EmulatedVillage) -> None:
    assert village.shell.check("cat /sys/class/watchdog/watchdog0/state") == "active"


def test_the_daemons_fit_their_budget(
    village: EmulatedVillage, record_property: Callable[[str, object], None]
) -> None:
    text = village.shell.check(
        "for group in /sys/fs/cgroup/system.slice/mokanda-*; do"
        ' for process in $(cat "$group/cgroup.procs"); do'
        ' echo "${group##*/} $(grep ^Pss: /proc/$process/smaps_rollup)"; done; done'
    )
    daemons: Counter[str] = Counter()  # KiB; one may have several processes
    for name, kibibytes in re.findall(r"mokanda-([a-z@0-9-]+)\.service Pss: +(\d+) kB", text):
        daemons[name] += int(kibibytes)
    for name, total in daemons.items():
        record_property(f"memory of {name}", f"{total / 1024:.1f} MiB")
    assert {"webmail", "courier", "modem", "lights"} <= daemons.keys()
    assert daemons.total() < DAEMONS_MIB * 1024
