# SPDX-License-Identifier: Apache-2.0
"""Scenarios of `tests/scenarios` in which the kernel, udev and pppd have their part."""

import pytest

from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.played import play

THOROUGH = ("hangs", "login_refused_thrice", "pin_kept", "roaming")


@pytest.mark.parametrize(
    "name",
    [
        "pulled_in_call",
        "two_sticks_one_dead",
        *(pytest.param(name, marks=pytest.mark.thorough) for name in THOROUGH),
    ],
)
def test_it_comes_as_in_a_world_of_ptys(village: EmulatedVillage, name: str) -> None:
    assert play(village, name) == []
