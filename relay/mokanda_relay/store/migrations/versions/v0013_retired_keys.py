# SPDX-License-Identifier: Apache-2.0
"""Keys of cards that were locked out, which no claim makes good again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "retired_key",
        sa.Column("fingerprint", sa.String(), primary_key=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
