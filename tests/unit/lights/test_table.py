# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from mokanda_firmware.lights.table import DARK, PATTERNS, STEADY, state_of_device

WELL: dict[str, dict[str, Any]] = {
    "setup": {"state": "claimed"},
    "modem": {"state": "ready"},
    "courier": {"state": "idle", "waiting": 0},
    "updates": {"state": "idle"},
}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, "ready"),
        ({"modem": {"state": "absent"}}, "ready"),
        ({"courier": {"state": "idle", "waiting": 3}}, "mail_waiting"),
        ({"courier": {"state": "dialling", "waiting": 3}}, "dialling"),
        ({"modem": {"state": "dialling"}}, "dialling"),
        ({"courier": {"state": "syncing"}, "modem": {"state": "connected"}}, "syncing"),
        ({"courier": {"state": "failed"}}, "fault"),
        ({"courier": {"state": "failed"}, "modem": {"state": "no_sim"}}, "no_sim"),
        ({"modem": {"state": "pin"}}, "no_sim"),
        ({"setup": {}}, "starting"),
        ({"updates": {}}, "starting"),
        ({"updates": {"state": "installing"}, "courier": {"state": "syncing"}}, "updating"),
        ({"updates": {"state": "failed"}}, "fault"),
        ({"setup": {"state": "claim_error"}, "updates": {}}, "fault"),
        ({"modem": {"state": "fault"}, "courier": {"state": "syncing"}}, "fault"),
    ],
)
def test_the_most_urgent_state_is_shown(change: dict[str, dict[str, Any]], shown: str) -> None:
    assert state_of_device(WELL | change) == shown


def test_patterns_can_be_told_apart() -> None:
    looks = [(p.get("green", DARK), p.get("red", DARK)) for p in PATTERNS.values()]
    assert len(set(looks)) == len(PATTERNS)


def test_no_pattern_blinks_in_more_ways_than_the_chip_can() -> None:
    for pattern in PATTERNS.values():
        assert len(set(pattern.values()) - {STEADY, DARK}) <= 2
