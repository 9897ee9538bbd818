# SPDX-License-Identifier: Apache-2.0
"""Where the relay was and is to be found, and how far each device has followed it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the table, and what is kept of each device."""
    op.create_table(
        "move",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("relay", sa.String(), nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("key_retired", sa.DateTime()),
    )
    for name in ("claim_move", "noted"):
        op.add_column(
            "device", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.add_column("device", sa.Column("followed", sa.BigInteger(), nullable=True))
