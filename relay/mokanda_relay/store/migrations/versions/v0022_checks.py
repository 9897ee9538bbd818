# SPDX-License-Identifier: Apache-2.0
"""What the provider has found of who wrote a mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the columns; of mail that came before, nothing is known."""
    op.add_column("incoming", sa.Column("vouching", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "incoming",
        sa.Column("disowned", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
