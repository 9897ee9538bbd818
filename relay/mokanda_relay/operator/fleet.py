# SPDX-License-Identifier: Apache-2.0
"""What the operator sees of the fleet: the figures behind the page and the metrics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.rendering.renditions import Policy
from mokanda_relay.store.clock import now
from mokanda_relay.store.tables import Alert, Card, Device, Incoming, Outgoing
from mokanda_relay.sync import cards, usage_by_day
from mokanda_relay.transport import filters
from mokanda_relay.transport.outbox import TRYING, WAITING

_QUIET_AFTER = dt.timedelta(days=2)
_SESSION = dt.timedelta(minutes=1)  # less apart are moments of one


@dataclass(frozen=True, slots=True)
class Village:
    """A device, the mails that wait for it, its own that wait for the world, and its costs."""

    device: Device
    waiting_down: int
    waiting_out: int
    report: dict[str, Any]  # what the device last told of itself
    month: usage_by_day.Sum  # this one
    cards: list[Card]  # the one that is served first; none unless there are several that call

    @property
    def is_quiet(self) -> bool:
        """Whether it has exchanged nothing for so long that somebody should ask."""
        last = self.device.last_exchange
        return last is not None and now() - last >= _QUIET_AFTER

    @property
    def has_left(self) -> bool:
        """Whether something was left when it last exchanged something."""
        device = self.device
        return _is_after(device.last_exchange, device.last_sync)

    @property
    def has_tried(self) -> bool:
        """Whether it has called since it last exchanged something."""
        return _is_after(self.device.last_contact, self.device.last_exchange)


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert, the name of the device that it is about or "", and how often that was met."""

    at: dt.datetime
    device: str
    kind: str
    text: str
    count: int


def villages(session: Session) -> list[Village]:
    """All devices by name."""
    to_come = sa.and_(Incoming.delivered.is_(None), sa.not_(filters.stays()))
    down = _counts(session, Incoming.device_id, to_come)
    out = _counts(session, Outgoing.device_id, Outgoing.state.in_((WAITING, TRYING)))
    months = usage_by_day.months(session, this_month())
    return [
        Village(
            device,
            down.get(device.id, 0),
            out.get(device.id, 0),
            device.last_report(),
            months.get(device.id, usage_by_day.Sum()),
            cards.living(session, device),
        )
        for device in session.scalars(sa.select(Device).order_by(Device.name))
    ]


def _is_after(moment: dt.datetime | None, other: dt.datetime | None) -> bool:
    return moment is not None and (other is None or moment - other > _SESSION)


def this_month() -> str:
    """The month that it is (YYYY-MM)."""
    return f"{now():%Y-%m}"


def limits(device: Device) -> str:
    """Say how large photos and files to a device may be."""
    kind = Policy.of(device).photos.kind.replace("webp", "WebP").replace("jpeg", "JPEG")
    return (
        f"photos {kind}, {device.photo_side} pixels, {size(device.photo_bytes)};"
        f" files {size(device.file_bytes)}"
    )


def updates(device: Device) -> str:
    """Say which updates a device is offered."""
    return f"{device.pinned} alone" if device.pinned else device.channel


def _counts(
    session: Session, by: sa.orm.InstrumentedAttribute[int], condition: sa.ColumnElement[bool]
) -> dict[int, int]:
    counted = session.execute(sa.select(by, sa.func.count()).where(condition).group_by(by))
    return {device_id: count for device_id, count in counted}  # noqa: C416 - rows are no tuples


def alerts(session: Session, limit: int) -> list[ShownAlert]:
    """The last alerts, the newest first."""
    rows = session.execute(
        sa.select(Alert, Device.name)
        .outerjoin(Device, Alert.device_id == Device.id)
        .order_by(Alert.at.desc(), Alert.id.desc())
        .limit(limit)
    )
    return [
        ShownAlert(each.at, name or "", each.kind, each.text, each.count) for each, name in rows
    ]


def ago(moment: dt.datetime | None, now: dt.datetime) -> str:
    """How long ago, in one unit: `3 h ago`; `never` for None."""
    if moment is None:
        return "never"
    seconds = max((now - moment).total_seconds(), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (unit != "d" and seconds >= size):
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def at(moment: dt.datetime) -> str:
    """When, in UTC, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}"


def figure(count: int | None) -> str:
    """A number; a dash where it is not known."""
    return "-" if count is None else str(count)


def size(count: int) -> str:
    """Bytes for people: `1.4 MB`."""
    value = float(count)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
