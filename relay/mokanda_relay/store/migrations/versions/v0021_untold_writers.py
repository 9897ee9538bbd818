# SPDX-License-Identifier: Apache-2.0
"""Which village's mail it is that waits for a villager of another one to be told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the columns; all that waits so far is of the world."""
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    with op.batch_alter_table("untold") as table:
        table.add_column(sa.Column("writer_device_id", key, nullable=True))
        table.add_column(sa.Column("message_id", sa.String(), nullable=False, server_default=""))
        table.create_foreign_key(
            "untold_writer_device", "device", ["writer_device_id"], ["id"], ondelete="SET NULL"
        )
