# SPDX-License-Identifier: Apache-2.0
"""The SHA-256 of the last up bundle applied: a device restored from a copy repeats numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; a bundle applied before is taken by its number alone."""
    op.add_column("device", sa.Column("up_sha256", sa.String(), nullable=False, server_default=""))
