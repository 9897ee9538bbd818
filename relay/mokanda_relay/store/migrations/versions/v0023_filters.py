# SPDX-License-Identifier: Apache-2.0
"""What villagers do not want to get, what that goes by, and whom a village has written to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add them; all mail that waits so far goes, and who was written to lately is known."""
    op.add_column("original", sa.Column("writer", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "original",
        sa.Column("to_many", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("incoming", sa.Column("spam_score", sa.Float(), nullable=True))
    op.add_column("incoming", sa.Column("verdict", sa.String(), nullable=True))
    op.execute("UPDATE incoming SET verdict = ''")
    op.add_column(
        "device", sa.Column("blocked_told", sa.String(), nullable=False, server_default="{}")
    )
    op.add_column(
        "device",
        sa.Column("blocked_sequence", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_table(
        "filter",
        _of_device(),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("told", sa.String(), nullable=False),
    )
    op.create_table(
        "correspondent",
        _of_device(),
        sa.Column("address", sa.String(), primary_key=True),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_correspondent_at", "correspondent", ["at"])
    op.execute(
        "INSERT INTO correspondent (device_id, address, at)"
        " SELECT device_id, lower(address), max(created) FROM outgoing"
        " JOIN outgoing_recipient ON outgoing_id = outgoing.id GROUP BY device_id, lower(address)"
    )


def _of_device() -> sa.Column[int]:
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(
        "device_id", key, sa.ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
