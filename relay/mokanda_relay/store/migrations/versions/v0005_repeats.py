# SPDX-License-Identifier: Apache-2.0
"""Mails of devices, to know them again when a card is restored from a backup."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table."""
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "posted",
        sa.Column("id", key, primary_key=True),
        sa.Column(
            "device_id",
            key,
            sa.ForeignKey("device.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("may_repeat", sa.Boolean(), nullable=False),
    )
    op.create_index("posted_by_fingerprint", "posted", ["device_id", "fingerprint"])
    op.create_index("ix_posted_at", "posted", ["at"])
