# SPDX-License-Identifier: Apache-2.0
"""Scenarios of `tests/scenarios` in which the kernel, udev and pppd have their part."""

import pytest

from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.played import play


@pytest.mark.parametrize(
    "name",
    [
        "hangs",
        "login_refused_thrice",
        "pin_kept",
        "pulled_in_call",
        "roaming",
        "two_sticks_one_dead",
    ],
)
def test_it_comes_as_in_a_world_of_ptys(village: EmulatedVillage, name: str) -> None:
    assert play(village, name) == []
