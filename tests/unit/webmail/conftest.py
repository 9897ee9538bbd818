# SPDX-License-Identifier: Apache-2.0
"""A village of its own for each test: its store, its statuses, its webmail and its phones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware import status
from mokanda_firmware.mailbox import accounts
from mokanda_firmware.mailbox.store import Store
from tests.unit.webmail.village import DOMAIN, Village


@pytest.fixture
def village(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Village]:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    monkeypatch.setattr(accounts, "_COST_LOG2", 4)  # what a password costs has its own test
    status.publish("setup", state="claimed", village="Boende", domain=DOMAIN)
    store = Store(tmp_path / "mail.db", tmp_path / "attachments")
    yield Village(store)
    store.close()
