# SPDX-License-Identifier: Apache-2.0
"""What a village is billed for a night without mail, by the packet."""

from __future__ import annotations

import pytest

from tests.bench.night import Call, calls


@pytest.fixture(scope="module")
def made() -> list[Call]:
    """The first call of a device's life, and some nights with nothing to trade."""
    return calls()


def test_a_night_with_nothing_to_trade_is_one_and_a_half_kilobytes_at_most(
    made: list[Call],
) -> None:
    # A relay on a busy machine acknowledges before it answers, which is not the protocol's doing.
    call = min(made[1:], key=lambda each: each.total)
    assert call.total <= 1500, "\n".join(call.packets)


def test_the_keeper_is_told_what_is_billed(made: list[Call]) -> None:
    for call in made:
        assert (call.told_up, call.told_down) == (call.up, call.down), "\n".join(call.packets)
