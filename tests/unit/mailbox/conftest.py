# SPDX-License-Identifier: Apache-2.0
"""A mail store of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.mailbox.store.database import Store
from tests.ready_made.mail_store import write_mail_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    write_mail_store(tmp_path / "mail.db")
    store = Store(tmp_path / "mail.db", tmp_path / "attachments")
    yield store
    store.close()
