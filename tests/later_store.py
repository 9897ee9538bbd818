# SPDX-License-Identifier: Apache-2.0
"""A mail store as a later version of this software might have migrated it, and then been given up.

It has a column more in every table, and a table and an index more: what migrations may do
(`test_going_back.py`).
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mokanda_firmware.mailbox.store import database


def migration(store: Path) -> str:
    """A migration that adds to all there is in a store."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
            " AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        tables = [name for (name,) in rows]
    columns = [f"ALTER TABLE {each} ADD COLUMN later TEXT NOT NULL DEFAULT '?';" for each in tables]
    others = [
        "CREATE TABLE later (entry INTEGER REFERENCES entry ON DELETE CASCADE) STRICT;",
        "CREATE INDEX entry_later ON entry (later);",
    ]
    return "\n".join([*columns, *others])


@contextmanager
def later_version(store: Path, folder: Path) -> Iterator[None]:
    """Within the block this software is a later version, which knows one more migration."""
    migrations = folder / "later-migrations"
    if not migrations.exists():
        text = migration(store)
        shutil.copytree(database.MIGRATIONS, migrations)
        (migrations / f"{database.newest_version() + 1:04}_later.sql").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", migrations)
        yield
