# SPDX-License-Identifier: Apache-2.0
"""The fleet's figures for Prometheus: a family of metrics a line, one figure for each device."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy.orm import Session

from mokanda_relay.operator.fleet import Village, villages


def write(session: Session) -> str:
    """The figures in Prometheus' text format."""
    return "\n".join(_metrics(villages(session))) + "\n"


def _metrics(fleet: list[Village]) -> Iterator[str]:
    families = (
        ("claimed", "gauge", "Whether the device has claimed itself.", _claimed),
        (
            "last_contact_timestamp_seconds",
            "gauge",
            "When it last exchanged something; by this tell that it is silent.",
            lambda v: _seconds(v.device.last_exchange),
        ),
        (
            "last_sync_timestamp_seconds",
            "gauge",
            "When nothing was left for either end last.",
            lambda v: _seconds(v.device.last_sync),
        ),
        ("bytes_up_total", "counter", "Bytes of bundles from it.", lambda v: v.device.bytes_up),
        ("bytes_down_total", "counter", "Bytes of bundles to it.", lambda v: v.device.bytes_down),
        ("mails_out_total", "counter", "Mails that it sent.", lambda v: v.device.mails_out),
        ("mails_in_total", "counter", "Mails that it received.", lambda v: v.device.mails_in),
        ("mails_waiting_down", "gauge", "Mails that wait for it.", lambda v: v.waiting_down),
        ("mails_waiting_out", "gauge", "Its mails to be sent.", lambda v: v.waiting_out),
        (
            "failing",
            "gauge",
            "Whether its last sync went wrong.",
            lambda v: int(bool(v.device.error)),
        ),
        (
            "cards",
            "gauge",
            "Cards that call as it: one, or copies too.",
            lambda v: len(v.cards) or 1,
        ),
    )
    for name, kind, text, figure in families:
        yield f"# HELP mokanda_device_{name} {text}"
        yield f"# TYPE mokanda_device_{name} {kind}"
        for village in fleet:
            yield f'mokanda_device_{name}{{device="{village.device.name}"}} {figure(village)}'


def _claimed(village: Village) -> int:
    return int(village.device.claimed is not None)


def _seconds(moment: dt.datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
