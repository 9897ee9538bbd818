# SPDX-License-Identifier: Apache-2.0
"""Who is told that a village has nobody of the name that they have written to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add them; of what waits so far, nobody is told."""
    op.add_column(
        "untold",
        sa.Column("may_be_told", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "returned",
        sa.Column("id", key, primary_key=True),
        sa.Column("device_id", key, sa.ForeignKey("device.id", ondelete="CASCADE"), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("is_posted", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_returned_device_id", "returned", ["device_id"])
