# SPDX-License-Identifier: Apache-2.0
"""What was made of each raw mail; those that are here are read once more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the columns, and their index."""
    op.add_column("original", sa.Column("reading", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "original",
        sa.Column("reading_version", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_index("ix_original_reading_version", "original", ["reading_version"])
