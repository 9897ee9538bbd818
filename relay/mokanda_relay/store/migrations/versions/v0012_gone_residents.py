# SPDX-License-Identifier: Apache-2.0
"""Since when a device names a villager no more without a reason, and its count of reasons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("resident", sa.Column("gone", sa.DateTime(), nullable=True))
    op.add_column(
        "device", sa.Column("deletions", sa.BigInteger(), nullable=False, server_default="0")
    )
