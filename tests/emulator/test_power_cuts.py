# SPDX-License-Identifier: Apache-2.0
"""A few power cuts of a board's life; `make bench-powercuts` makes hundreds."""

import random

from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone
from tests.emulator.power_cuts import Life, Tally
from tests.emulator.ready_village import ReadyVillage


def test_power_cuts_neither_strand_a_board_nor_lose_a_letter(
    village: EmulatedVillage, keeper: Phone, ready_village: ReadyVillage
) -> None:
    tally = Tally()
    boot_seconds = ready_village.seconds_to_webmail
    life = Life(village, keeper, random.Random(3), boot_seconds, tally, say=print)
    life.cut_among_letters()
    for _ in range(4):
        life.cut_in_boot()
    life.come_up()
    assert life.letters
    assert tally == Tally(cuts=5, stranded=0, lost=0)
