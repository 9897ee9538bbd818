# SPDX-License-Identifier: Apache-2.0
"""When a device last traded something, whether or not something was left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the column; what is known is when nothing was left."""
    op.add_column("device", sa.Column("last_exchange", sa.DateTime(), nullable=True))
    op.execute("UPDATE device SET last_exchange = last_sync")
