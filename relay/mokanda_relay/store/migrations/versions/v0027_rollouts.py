# SPDX-License-Identifier: Apache-2.0
"""How far each release is offered, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add them; releases of before are begun anew by housekeeping, all devices are stable."""
    op.add_column(
        "device", sa.Column("channel", sa.String(), nullable=False, server_default="stable")
    )
    op.add_column("device", sa.Column("pinned", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "rollout",
        sa.Column("board", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("share", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("forgiven", sa.BigInteger(), nullable=False),
    )
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "trial",
        sa.Column(
            "device_id", key, sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("board", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
    )
