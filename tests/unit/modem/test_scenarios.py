# SPDX-License-Identifier: Apache-2.0
"""Nights of all kinds, each a file of tests/scenarios/modem."""

from pathlib import Path

import pytest

from tests.scenarios.modem_world import SCENARIOS, Scenario, play


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.title)
def test_a_scenario_ends_well(scenario: Scenario, tmp_path: Path) -> None:
    assert play(scenario, tmp_path).wrong == []
