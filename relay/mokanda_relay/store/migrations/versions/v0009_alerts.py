# SPDX-License-Identifier: Apache-2.0
"""Alerts and the usage by day are called so in the database, too."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Rename the tables, and the index of one."""
    op.drop_index("ix_incident_at", "incident")
    op.rename_table("incident", "alert")
    op.create_index("ix_alert_at", "alert", ["at"])
    op.rename_table("day", "usage_by_day")
