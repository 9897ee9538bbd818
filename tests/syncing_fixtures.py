# SPDX-License-Identifier: Apache-2.0
"""Fixtures of a village whose device syncs with the relay of `tests.relay_fixtures`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_relay.operator import devices
from tests.relay_served import Served
from tests.syncing_village import Village, a_village

pytest_plugins = ("tests.relay_fixtures",)


@pytest.fixture
def relay_url(served: Served) -> str:
    """Where the device finds the relay; a test may put something between them."""
    return served.device_url


@pytest.fixture
def new_village(
    served: Served, relay_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Village]:
    """A device with two villagers and a claim that it has not used yet."""
    claim = devices.add(served.relay, "kitenge", "kitenge.example")
    with a_village(claim, relay_url, tmp_path / "device", monkeypatch) as village:
        yield village


@pytest.fixture
def village(new_village: Village) -> Village:
    """The same, which has synced once."""
    new_village.sync()
    return new_village
