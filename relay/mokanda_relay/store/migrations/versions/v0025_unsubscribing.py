# SPDX-License-Identifier: Apache-2.0
"""What the relay does for a villager before it answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the columns; nothing of the kind was asked for."""
    op.add_column(
        "content_request", sa.Column("result", sa.String(), nullable=False, server_default="")
    )
    op.add_column(
        "content_request",
        sa.Column("attempts", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.add_column("content_request", sa.Column("due", sa.DateTime(), nullable=True))
