# SPDX-License-Identifier: Apache-2.0
"""A device's mail store with nobody and nothing in it."""

from __future__ import annotations

import functools
from pathlib import Path
from tempfile import TemporaryDirectory

from mokanda_firmware.mailbox.store.database import Store
from tests.ready_made.files import File


def write_mail_store(path: Path) -> None:
    """Put an empty mail store at `path`."""
    _mail_store().write(path)


@functools.cache
def _mail_store() -> File:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "mail.db", Path(folder) / "attachments")
        store.close()
        return File.of(store.path)
