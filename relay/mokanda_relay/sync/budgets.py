# SPDX-License-Identifier: Apache-2.0
"""A village's budgets, as far as the relay sees to them: what may go down today.

The device says in each request for how many bytes it has room. The budgets of villagers stand in
its report; what they have spent today, both ways, is counted here, by the same measure as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.tables import ContentRequest, Device, Incoming, Spent
from mokanda_wire.limits import SEAL


@dataclass(frozen=True, slots=True)
class Budget:
    """What the next bundle may take: `room` bytes, and of them so many for a villager.

    None is no limit; nor have villagers one that are not named.
    """

    room: int | None = None
    villagers: Mapping[str, int] = field(default_factory=dict)

    def mails_over(
        self, mails: Iterable[tuple[Sequence[Incoming], int]], others: int
    ) -> dict[int, Incoming]:
        """The queue entries, by id, that do not fit.

        Args:
            mails: the entries of each mail and what it costs, the first ones first.
            others: bytes of the bundle that are no mail.
        """
        if self.room is None:
            return {}
        room, left = self.room - others - SEAL, dict(self.villagers)
        over: dict[int, Incoming] = {}
        for entries, cost in mails:
            if cost > room:
                over |= {entry.id: entry for entry in entries}
                continue
            share = -(-cost // len(entries))
            poor = [entry for entry in entries if left.get(villager(entry), share) < share]
            over |= {entry.id: entry for entry in poor}
            if len(poor) < len(entries):
                room -= cost
            for entry in entries:
                if entry not in poor and villager(entry) in left:
                    left[villager(entry)] -= share
        return over

    def requests_over(self, answers: Iterable[tuple[ContentRequest, int]], others: int) -> set[int]:
        """The requests, by id, whose answers do not fit beside so many bytes of `others`.

        Mail goes first: what was kept back can wait for a day with less of it.
        """
        if self.room is None:
            return set()
        room, left = self.room - others - SEAL, dict(self.villagers)
        over = set()
        for request, cost in answers:
            if cost > room or left.get(request.villager, cost) < cost:
                over.add(request.id)
                continue
            room -= cost
            if request.villager in left:
                left[request.villager] -= cost
        return over


def of_device(session: Session, device: Device, room: int | None) -> Budget:
    """The budget of a device that has said for how much it has `room`; None for all there is."""
    limits = _limits(device)
    if room is None or not limits:
        return Budget(room)
    spent = {
        row.name: row.size
        for row in session.scalars(
            sa.select(Spent).where(Spent.device_id == device.id, Spent.day == _today(device))
        )
    }
    names = session.scalars(
        sa.select(Incoming.recipient)
        .where(Incoming.device_id == device.id, Incoming.sequence.is_(None))
        .distinct()
    )
    askers = session.scalars(
        sa.select(ContentRequest.villager)
        .where(ContentRequest.device_id == device.id, ContentRequest.villager != "")
        .distinct()
    )
    left = {}
    for name in (*(address.partition("@")[0] for address in names), *askers):
        limit = limits.get(name, limits.get(""))
        if limit is not None:
            left[name] = limit - spent.get(name, 0)
    return Budget(room, left)


def are_kept(device: Device) -> bool:
    """Whether villagers of this device have budgets."""
    return bool(_limits(device))


def charge(session: Session, device: Device, size: Mapping[str, int]) -> None:
    """Note that villagers, by local part, have spent bytes; the device's row is locked."""
    if not are_kept(device):
        return
    today = _today(device)
    session.execute(sa.delete(Spent).where(Spent.device_id == device.id, Spent.day != today))
    for name, count in size.items():
        row = session.get(Spent, (device.id, name))
        if row is None:
            session.add(Spent(device_id=device.id, name=name, day=today, size=count))
        else:
            row.size += count
    session.flush()


def villager(entry: Incoming) -> str:
    """The local part that a queue entry is for."""
    return entry.recipient.partition("@")[0]


def _limits(device: Device) -> dict[str, int]:
    """Bytes a day by local part; "" stands for everybody else."""
    told = device.last_report().get("budgets")
    if not isinstance(told, dict):
        return {}
    own = told.get("villagers")
    limits = {"": told.get("villager"), **(own if isinstance(own, dict) else {})}
    return {name: limit for name, limit in limits.items() if _is_size(limit)}


def _is_size(value: Any) -> bool:  # noqa: ANN401 - whatever a report holds
    return type(value) is int and value >= 0


def _today(device: Device) -> str:
    return clock.now().astimezone(device.zone()).date().isoformat()
