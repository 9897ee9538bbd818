# SPDX-License-Identifier: Apache-2.0
"""What tells a relay that was restored from a copy which mails it had sent since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the events of mails that are not known, and look mails up by their names."""
    op.create_table(
        "forgotten",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_forgotten_at", "forgotten", ["at"])
    op.create_index("posted_by_message_id", "posted", ["device_id", "message_id"])
