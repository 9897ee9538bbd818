# SPDX-License-Identifier: Apache-2.0
"""What the relay keeps back of mail: smaller photos, files held back, and the wishes for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and the columns of those that are there."""
    for name, default in (("photo_side", 1024), ("photo_bytes", 25_000), ("file_bytes", 100_000)):
        op.add_column(
            "device", sa.Column(name, sa.BigInteger(), nullable=False, server_default=str(default))
        )
    for name in ("ticket", "stub"):
        op.add_column("incoming", sa.Column(name, sa.String(), nullable=False, server_default=""))
    for name in ("wished", "prepared"):
        op.add_column(
            "incoming", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.create_index("incoming_by_prepared", "incoming", ["prepared", "sequence"], unique=False)
    op.create_table(
        "rendition",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("side", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "side", "most", "kind"),
    )
    op.create_table(
        "content",
        sa.Column("device_id", _id(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("rendition", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["mail"], ["original.digest"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device_id", "digest"),
    )
    op.create_index("ix_content_mail", "content", ["mail"], unique=False)
    op.create_table(
        "wish",
        sa.Column("id", _id(), nullable=False),
        sa.Column("device_id", _id(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("device_id", "kind", "name"),
    )
