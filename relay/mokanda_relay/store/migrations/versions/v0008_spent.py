# SPDX-License-Identifier: Apache-2.0
"""What villagers have spent is a size, as elsewhere."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Rename the column."""
    op.execute("ALTER TABLE spent RENAME COLUMN octets TO size")
