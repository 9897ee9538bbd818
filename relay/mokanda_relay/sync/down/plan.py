# SPDX-License-Identifier: Apache-2.0
"""The plan of a bundle: which of all that waits is to go in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from mokanda_relay.store.tables import ContentRequest, Incoming, Notice
from mokanda_relay.sync.down.queue import Queue
from mokanda_wire.limits import SEAL

MAX_RAW = 4 * 1024 * 1024  # bytes of raw mail in a bundle, unless it is a single one
_MAX_RATIO = 40  # of raw to encoded mail: more of it need not be tried
_MAX_STUBS = 1000
_STUB = 200  # bytes of a bundle that a stub takes at most, but for long subjects

Mails = Mapping[str, Sequence[Incoming]]  # for each mail's digest its queue entries


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What the next bundle is to hold, and what of the queue was found not to go in it.

    A plan never changes. What does not go is left out of the plan made `without` it, so that a
    plan and its next ones leave out more and more, and come to an end. After a bundle that its
    reader could not read it holds no more than the device's `bisection` allows.

    Attributes:
        room: bytes of the bundle at most, sealed; None is no limit.
        stubs: mails of which stubs go; None until it is said which.
        as_attachment: digests of mails that are too much for the format, and go whole.
        held: queue entries, by id, that do not fit, and `costs` what their mails would have cost.
        lost: ids of queue entries whose mail has no file.
        postponed: ids of requests that are answered another day.
    """

    queue: Queue
    room: int | None
    notices: tuple[Notice, ...] = ()
    stubs: Mails | None = None
    requests: tuple[ContentRequest, ...] = ()
    mails: Mails = field(default_factory=dict)
    as_attachment: frozenset[str] = frozenset()
    held: Mapping[int, Incoming] = field(default_factory=dict)
    costs: Mapping[str, int] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()
    postponed: frozenset[int] = frozenset()

    @classmethod
    def of(cls, queue: Queue, room: int | None) -> Self:
        """All that may go, without the mails that were found too large for so much room before."""
        costs = {entry.id: entry.cost for entry, _ in queue.mails if entry.cost is not None}
        held = {
            entry.id: entry
            for entry, _ in queue.mails
            if room is not None and costs.get(entry.id, 0) > room - SEAL
        }
        known = {entry.digest: costs[entry.id] for entry in held.values()}
        return cls(queue, room, held=held, costs=known)._selected()

    def __bool__(self) -> bool:
        return bool(self.notices or self.stubs or self.requests or self.mails)

    def without_mails(self, entries: Mapping[int, Incoming], costs: Mapping[str, int]) -> Self:
        """Hold back queue entries, by id, whose mails cost so much by their digest."""
        known = {entry.digest: costs[entry.digest] for entry in entries.values()}
        plan = replace(self, held={**self.held, **entries}, costs={**self.costs, **known})
        return plan._selected()

    def without_requests(self, requests: Collection[int]) -> Self:
        """Answer these requests, by id, another day."""
        return replace(self, postponed=self.postponed.union(requests))._selected()

    def without_lost(self, entries: Iterable[Incoming]) -> Self:
        """Let mails wait whose files are gone, in case those come back."""
        lost = self.lost.union(entry.id for entry in entries)
        held = {number: entry for number, entry in self.held.items() if number not in lost}
        stubs = None if self.stubs else self.stubs  # others may go in their place
        plan = replace(self, lost=lost, held=held, stubs=stubs)._selected()
        return plan.with_stubs(beside=0) if self.stubs else plan

    def with_stubs(self, *, beside: int) -> Self:
        """Let stubs go, of mails held back and of what is unwanted, as fit beside so many bytes."""
        if self.queue.device.bisection.size:
            return self
        room = _MAX_STUBS * _STUB if self.room is None else self.room - SEAL - beside
        held = self.held.values() if self.room is not None else ()
        stubs: dict[str, list[Incoming]] = {}
        for entry in sorted((*self.queue.heads, *held), key=lambda entry: entry.received):
            if not entry.stub and entry.id not in self.lost:
                stubs.setdefault(entry.digest, []).append(entry)
        going = _first(stubs, min(room // _STUB, _MAX_STUBS))
        return replace(self, stubs=going) if going else self

    def with_half_the_stubs(self) -> Self:
        """Let fewer stubs go, at last none."""
        stubs = self.stubs or {}
        return replace(self, stubs=_first(stubs, len(stubs) // 2))._selected()

    def with_half(self) -> Self | None:
        """Halve what may be too much for the format: answers, then mails, down to one as a file.

        None if there is no less of it.
        """
        if self.requests:
            return replace(self, requests=self.requests[: len(self.requests) // 2])
        if self.as_attachment or not self.mails:
            return None
        if len(self.mails) == 1:
            return replace(self, as_attachment=frozenset(self.mails))
        return replace(self, mails=_first(self.mails, len(self.mails) // 2))

    def only(
        self, stubs: Collection[str], requests: Collection[int], mails: Collection[str]
    ) -> Self:
        """Leave out all stubs and mails, by digest, and requests, by id, but these."""
        return replace(
            self,
            stubs=None if self.stubs is None else _those(self.stubs, stubs),
            requests=tuple(each for each in self.requests if each.id in requests),
            mails=_those(self.mails, mails),
        )

    def _selected(self) -> Self:
        """Take from the queue what is not found to wait: stubs alone where there is nothing."""
        mails, notices = self._first_mails(), self.queue.notices
        requests = [each for each in self.queue.requests if each.id not in self.postponed]
        left = self.queue.device.bisection.limit(len(mails) + len(requests) + len(notices))
        mails = _first(mails, left)
        requests = requests[: left - len(mails)]
        plan = replace(
            self,
            notices=notices[: left - len(mails) - len(requests)],
            requests=tuple(requests),
            mails=mails,
            as_attachment=frozenset(),
        )
        return plan or plan.with_stubs(beside=0)

    def _first_mails(self) -> Mails:
        """The first mails that wait, at least one, and the smaller ones behind that still fit."""
        left = MAX_RAW if self.room is None else min(MAX_RAW, self.room * _MAX_RATIO)
        mails: dict[str, list[Incoming]] = {}
        for entry, size in self.queue.mails:
            if entry.id in self.held or entry.id in self.lost:
                continue
            if entry.digest not in mails:
                if mails and size > left:
                    continue
                left -= size
            mails.setdefault(entry.digest, []).append(entry)
        return mails


def _those(mails: Mails, digests: Collection[str]) -> Mails:
    return {digest: mails[digest] for digest in mails if digest in digests}


def _first(mails: Mails, count: int) -> Mails:
    return dict(list(mails.items())[: max(count, 0)])
