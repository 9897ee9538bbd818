# SPDX-License-Identifier: Apache-2.0
"""The cards that call as a device: one is served, another may be a copy of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the table."""
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "card",
        sa.Column("id", key, primary_key=True),
        sa.Column("device_id", key, sa.ForeignKey("device.id", ondelete="CASCADE"), nullable=False),
        sa.Column("given", sa.LargeBinary(), nullable=False),
        sa.Column("given_before", sa.LargeBinary(), nullable=False),
        sa.Column("served", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("called", sa.DateTime(), nullable=False),
        sa.Column("refused", sa.DateTime(), nullable=True),
        sa.Column("version", sa.String(), nullable=False),
    )
    op.create_index("ix_card_device_id", "card", ["device_id"])
