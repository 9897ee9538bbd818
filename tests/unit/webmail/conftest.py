# SPDX-License-Identifier: Apache-2.0
"""A village of its own for each test: its store, its statuses, its webmail and its phones."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.people import accounts, first_steps
from mokanda_firmware.mailbox.store.database import Store
from tests.ready_made.mail_store import write_mail_store
from tests.unit.webmail.served_village import DOMAIN, Village


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mail store to copy: making one takes as long as most tests with it."""
    folder = tmp_path_factory.mktemp("store")
    write_mail_store(folder / "mail.db")
    store = Store(folder / "mail.db", folder / "attachments")
    first_steps.end(store)  # they have tests of their own
    store.close()
    return store.path


@pytest.fixture
def village(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_store: Path) -> Iterator[Village]:
    for name in ("data", "run", "setup"):
        monkeypatch.setenv(f"MOKANDA_{name.upper()}", str(tmp_path / name))
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(accounts, "_COST_LOG2", 4)  # what a password costs has its own test
    SetupStatus(SetupState.CLAIMED, village="Boende", domain=DOMAIN).publish()
    shutil.copy(new_store, tmp_path / "mail.db")
    store = Store(tmp_path / "mail.db", tmp_path / "attachments", lenient=True)
    yield Village(store)
    store.close()
