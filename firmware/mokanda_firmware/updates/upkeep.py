# SPDX-License-Identifier: Apache-2.0
"""The upkeep of the slots: what has rotted on the card is mended as long as somebody has it right.

The running slot is looked at where the kernel has met rot, when a version or a slot runs that did
not when it was looked at last, and once a month; the other one with it, where it has the same
system. What is older there stays as it is: it is what the device goes back to.
"""

import json
import logging
import subprocess
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from mokanda_firmware import paths, running
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.updates import kept, rauc, rot, slot
from mokanda_firmware.updates.kept import KeptSlot
from mokanda_firmware.updates.memory import Memory
from mokanda_firmware.updates.mending import Fit, RootHash, Source, System
from mokanda_firmware.updates.partition import Partition
from mokanda_wire import durable

TIMES = 3  # within a YEAR; a slot that was mended so often is left alone

_MONTH, YEAR, _TOLD = 30 * 86400, 365 * 86400, 14 * 86400  # seconds
_MAX_BYTES = 65536
_UNIT, _SECONDS = "mokanda-slots.service", 600.0
_log = logging.getLogger(__name__)


class Mending(NamedTuple):
    """That so many blocks of a slot were mended; written down before the first of them is."""

    slot: str
    at: int  # seconds since 1970
    blocks: int


class Upkeep(NamedTuple):
    """What is remembered of it.

    Attributes:
        system: the root hash of the system that was looked at last, in hexadecimal.
        slot: the one from which it ran.
        at: when that was, in seconds since 1970.
        fit: its FIT image, as U-Boot has started it.
        mended: what was mended, of each slot the last TIMES.
        lost: how many blocks of the running slot cannot be mended.
        file: a file of the system that cannot be read for that; "" if none is known.
    """

    system: str = ""
    slot: str = ""
    at: int = 0
    fit: Fit = Fit(0, "")
    mended: tuple[Mending, ...] = ()
    lost: int = 0
    file: str = ""

    @classmethod
    def read(cls) -> Self:
        """Return what is remembered; nothing when the file is not there or damaged."""
        return records.read(cls, _file(), _MAX_BYTES) or cls()

    def keep(self) -> Self:
        """Write it durably; returns itself. Raises OSError."""
        durable.write(_file(), json.dumps(records.dump(self)).encode())
        return self

    def is_due(self, system: str, now: int) -> bool:
        """Whether it is time to look at a system again, though nobody has met rot.

        It is where the other slot runs than before: this one may have been given up for rot.
        """
        is_another = (self.system, self.slot) != (system, running.slot())
        return is_another or not 0 <= now - self.at < _MONTH

    def is_worn(self, name: str, now: int) -> bool:
        """Whether a slot rots again and again: it is mended no more."""
        return sum(each.slot == name for each in self.mended if _since(each, now) < YEAR) >= TIMES

    def and_mended(self, mending: Mending) -> Self:
        """Return it with what is about to be mended."""
        same = [each for each in self.mended if each.slot == mending.slot][1 - TIMES :]
        others = [each for each in self.mended if each.slot != mending.slot]
        return self._replace(mended=(*others, *same, mending))

    @property
    def last(self) -> Mending | None:
        """What was mended last."""
        return max(self.mended, key=lambda each: each.at, default=None)

    @property
    def trouble(self) -> Sentence | None:
        """What the keeper has to know, and what to do; None for nothing."""
        if self.file:
            return Sentence(
                "A file of the system cannot be read from the card any more ({file}). Make a "
                "backup, and restore it on a new card.",
                file=self.file,
            )
        if self.lost:
            return Sentence(
                "Parts of the system cannot be read from the card any more, and cannot be mended. "
                "The next update replaces them. Make a backup."
            )
        if any(self.is_worn(name, _now()) for name in "AB"):
            return Sentence(
                "Parts of the system rot on the card again and again: it wears out. Make a backup, "
                "and restore it on a new card."
            )
        return None

    @property
    def is_news(self) -> bool:
        """Whether something was mended within the last days."""
        return self.last is not None and _since(self.last, _now()) < _TOLD

    def __str__(self) -> str:
        """Say it to the operator; "" for nothing."""
        last = {each.slot: each for each in self.mended}  # of each slot, the last
        said = [
            f"{datetime.fromtimestamp(each.at, UTC):%Y-%m-%d %H:%M}: blocks mended in slot "
            f"{each.slot}: {each.blocks}"
            for each in last.values()
        ]
        worn = [name for name in "AB" if self.is_worn(name, _now())]
        said += [f"slot {name} rots again and again, and is mended no more" for name in worn]
        if self.lost:
            what = f" ({self.file})" if self.file else ""
            said.append(f"blocks of the running slot that cannot be mended: {self.lost}{what}")
        return "; ".join(said)


def look_after_slots() -> bool:
    """Look at the slots if it is time, and mend them; returns whether there was something to do.

    Raises:
        OSError, ValueError: the slots cannot be read, or nobody knows how they should be.
    """
    root = RootHash.read(paths.root_hash())
    before, now = Upkeep.read(), _now()
    if not before.is_due(root.digest.hex(), now) and not rot.is_met():
        return False
    kept.give_way()
    with slot.writing() as is_ours:
        # An update goes first: it writes to the other slot, or is about to.
        if is_ours:
            _look(root, before)
    return is_ours


def have_mended() -> bool:
    """Have the unit that may write to slots do it at once; returns whether all is well after it."""
    began = _now()
    try:
        subprocess.run(["systemctl", "start", _UNIT], check=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        _log.error("%s: %s", _UNIT, error)
        return False
    upkeep = Upkeep.read()
    return upkeep.at >= began and not upkeep.lost


def _look(root: RootHash, before: Upkeep) -> None:
    with ExitStack() as stack:
        own = stack.enter_context(Partition(slot.running()))
        other = stack.enter_context(Partition(slot.other()))
        sources: list[Source] = [own, other]
        if (file := kept.open_kept()) is not None:
            stack.enter_context(file)
            sources.append(KeptSlot(file, root.whole))
        same = before.system == root.digest.hex()
        fit = before.fit if same and before.fit.size else Fit.of(own) or Fit(0, "")
        system = System(root, fit, sources)
        upkeep = before._replace(system=root.digest.hex(), fit=fit, at=0)  # until it is done
        upkeep, lost = _mend(upkeep, system, own, running.slot())
        # What is on trial has the one to go back to there, which may be half written.
        if not Memory.read().trial and system.is_meant_for(other):
            mended = upkeep.mended
            upkeep, left = _mend(upkeep, system, other, running.other_slot())
            if upkeep.mended != mended and not left:
                _give_tries_back()
    file_lost = rot.unreadable_file() if lost else None
    upkeep._replace(slot=running.slot(), at=_now(), lost=lost, file=str(file_lost or "")).keep()


def _mend(upkeep: Upkeep, system: System, partition: Partition, name: str) -> tuple[Upkeep, int]:
    """Mend a slot; returns what is remembered then, and how many blocks are lost."""
    rotten = system.rotten(partition)
    mendable = [number for number in rotten if system.right(number) is not None]
    if not mendable or upkeep.is_worn(name, _now()):
        if rotten:
            _log.error("slot %s: %d blocks have rotted, and stay so", name, len(rotten))
        return upkeep, len(rotten)
    # Before the first is written: where the card hangs over that, it is not tried for ever.
    mending = Mending(name, _now(), len(mendable))
    upkeep = upkeep.and_mended(mending).keep()
    count = sum(_put(system, partition, number) for number in mendable)
    _log.warning("slot %s: %d of %d rotten blocks are mended", name, count, len(rotten))
    done = (*upkeep.mended[:-1], mending._replace(blocks=count))
    return upkeep._replace(mended=done), len(rotten) - count


def _put(system: System, partition: Partition, number: int) -> bool:
    content = system.right(number)
    return content is not None and partition.put(number, content)


def _give_tries_back() -> None:
    """Let U-Boot start the other slot again: it may have used up its tries for what was rotten."""
    try:
        rauc.mark_other_good()
    except rauc.RefusedError as error:
        _log.error("%s", error)


def _since(mending: Mending, now: int) -> int:
    return abs(now - mending.at)  # the clock may have been ahead


def _now() -> int:
    return int(time.time())


def _file() -> Path:
    return paths.updates() / "upkeep.json"
