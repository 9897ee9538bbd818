# SPDX-License-Identifier: Apache-2.0
"""What modems answer, byte for byte: each with the state that it comes to."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scenarios.modem_world import Scenario, play, transcripts


@pytest.mark.parametrize("transcript", list(transcripts()), ids=lambda each: each.title)
def test_an_answer_leads_to_its_state(transcript: Scenario, tmp_path: Path) -> None:
    assert play(transcript, tmp_path).wrong == []


COMMANDS = [
    "AT+CPIN?",
    "AT+CIMI",
    "AT+CGSN",
    "AT+CGMM",
    "AT+CGREG?",
    "AT+COPS?",
    "AT+CSQ",
    "ATD",
    "AT",
]
PIECES = [
    "\r\n",
    "OK",
    "ERROR",
    "+CPIN: READY",
    "+CGREG: 0,1",
    "NO CARRIER",
    "CONNECT",
    "+CME ERROR: 10",
]
answers = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=6).map("".join)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.dictionaries(st.sampled_from(COMMANDS), answers, max_size=4))
def test_whatever_a_modem_says_a_wish_for_a_connection_is_answered(
    raw: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    events: list[dict[str, Any]] = [{"at": 1, "plug": {"raw": raw}}, {"at": 100, "connect": True}]
    scenario = Scenario("noise", events, seconds=700, enumerated=None)
    world = play(scenario, tmp_path_factory.mktemp("noise")).world
    assert len(world.replies) == 1
