# SPDX-License-Identifier: Apache-2.0
"""Whom in the villages a mail to the world names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the column; mails that wait go as they were to go."""
    op.add_column(
        "outgoing", sa.Column("neighbours", sa.String(), nullable=False, server_default="")
    )
    op.create_index("outgoing_by_message_id", "outgoing", ["message_id"])
