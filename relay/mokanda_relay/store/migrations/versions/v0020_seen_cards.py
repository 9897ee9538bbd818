# SPDX-License-Identifier: Apache-2.0
"""By what an operator tells the cards of a device from one another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the columns; of cards that have called before, nothing is known."""
    op.add_column("card", sa.Column("address", sa.String(), nullable=False, server_default=""))
    for name in ("applied_down", "announced_up", "villagers"):
        op.add_column("card", sa.Column(name, sa.BigInteger(), nullable=True))
