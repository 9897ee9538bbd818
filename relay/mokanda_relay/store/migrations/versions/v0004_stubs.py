# SPDX-License-Identifier: Apache-2.0
"""Stubs: which bundle took one along, and what its mail would cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("incoming", sa.Column("stub_sequence", sa.BigInteger(), nullable=True))
    op.add_column("incoming", sa.Column("cost", sa.BigInteger(), nullable=True))
