# SPDX-License-Identifier: Apache-2.0
"""How carefully the next bundle is made for a device that could not read the last one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns."""
    for name in ("down_most", "down_caution"):
        op.add_column(
            "device", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
