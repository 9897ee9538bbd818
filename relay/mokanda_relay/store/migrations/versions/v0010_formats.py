# SPDX-License-Identifier: Apache-2.0
"""Which formats devices know, and what of theirs is not known here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns and the table."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for table in ("device", "down_bundle"):
        op.add_column(
            table, sa.Column("format", sa.BigInteger(), nullable=False, server_default="1")
        )
    op.create_table(
        "unknown_item",
        sa.Column("id", key, primary_key=True),
        sa.Column("device_id", key, sa.ForeignKey("device.id", ondelete="CASCADE"), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.BigInteger(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
    )
    op.create_index("ix_unknown_item_device_id", "unknown_item", ["device_id"])
