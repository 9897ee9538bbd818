# SPDX-License-Identifier: Apache-2.0
"""How Alembic runs the versions: on the connection, and in the transaction, of its caller."""

from __future__ import annotations

from alembic import context

from mokanda_relay.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    transaction_per_migration=False,
)
context.run_migrations()
