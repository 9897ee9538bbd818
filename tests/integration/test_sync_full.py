# SPDX-License-Identifier: Apache-2.0
"""A device whose card is full: what waits leaves, what comes waits at the relay, at no cost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.uplink.failures import FullError
from tests.relay_served import Served
from tests.small_disk import data_on_card, fill_card
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


@pytest.fixture
def full(village: Village) -> Iterator[Path]:
    """What fills the card of the village; a letter waits in the outbox."""
    village.store.close()
    with data_on_card(paths.data().parent) as data:
        village.write("Are you well?")
        village.store.close()
        fill_card(data / "filler")
        village.store = Store.of_device()  # it was started again
        yield data / "filler"
        village.store.close()


def test_what_waits_leaves_and_nothing_is_fetched_that_cannot_be_kept(
    village: Village, served: Served, full: Path
) -> None:
    text = os.urandom(8000).hex()
    served.world.write("ada@example.org", ["amina@kitenge.example"], "Mbote", text)
    with pytest.raises(FullError, match="card is full"):
        village.sync()
    assert village.texts("sent") == ["Are you well?"]
    assert village.texts("inbox") == []
    with pytest.raises(FullError):
        village.sync()
    for session in village.sessions()[:2]:
        assert "card is full" in str(session.error)
        assert session.bytes_down < 5000
    full.unlink()
    village.sync()
    assert village.texts("inbox") == [text]


def test_a_card_that_becomes_full_while_a_bundle_is_applied_loses_nothing(
    village: Village, served: Served, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.unlink()
    adding = village.store.adding

    def just_full() -> object:
        fill_card(full)
        return adding()

    served.world.write("ada@example.org", ["amina@kitenge.example"], "Mbote", "Here I am")
    with monkeypatch.context() as patched:
        patched.setattr(village.store, "adding", just_full)
        with pytest.raises(FullError):
            village.sync()
    assert village.texts("inbox") == []
    with pytest.raises(FullError):
        village.sync()
    full.unlink()
    village.sync()
    assert village.texts("inbox") == ["Here I am"]
    assert village.texts("sent") == ["Are you well?"]
