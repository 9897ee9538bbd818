# SPDX-License-Identifier: Apache-2.0
"""The data of a relay that has been opened once: its keys, its certificate, its SQLite database."""

from __future__ import annotations

import functools
from pathlib import Path
from tempfile import TemporaryDirectory

from mokanda_relay.relay import open_relay
from mokanda_relay.store.settings import read_settings
from tests.ready_made.files import Files, files_of, write_files


def write_relay(data: Path) -> None:
    """Put all of it into a relay's data folder."""
    write_files(_relay(), data)


def write_relay_database(path: Path) -> None:
    """Put the database alone at `path`."""
    _relay()[Path("relay.db")].write(path)


@functools.cache
def _relay() -> Files:
    with TemporaryDirectory() as folder:
        settings = read_settings({"MOKANDA_RELAY_URL": "https://127.0.0.1:1"}, Path(folder))
        relay = open_relay(settings, begin=True)
        relay.database.close()
        relay.keyring.close()
        return files_of(Path(folder))
