# SPDX-License-Identifier: Apache-2.0
"""What villagers ask for is called a content request in the database, too; limits say what of."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Rename the table, and columns of others."""
    op.rename_table("wish", "content_request")
    for table, old, new in (
        ("content_request", "who", "villager"),
        ("incoming", "wished", "requested"),
        ("device", "down_most", "bisection_size"),
        ("device", "down_caution", "bisection_caution"),
        ("rendition", "most", "max_bytes"),
    ):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
