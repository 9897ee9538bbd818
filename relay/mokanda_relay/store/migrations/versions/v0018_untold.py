# SPDX-License-Identifier: Apache-2.0
"""Mail for villagers of whom a device has not told yet, and alerts that count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add what is known of such mail, and how often an alert's trouble was met."""
    op.create_table(
        "untold",
        sa.Column(
            "incoming_id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.ForeignKey("incoming.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("heard", sa.Boolean(), nullable=False),
    )
    op.add_column("alert", sa.Column("count", sa.BigInteger(), nullable=False, server_default="1"))
