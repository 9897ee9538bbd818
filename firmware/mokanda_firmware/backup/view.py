# SPDX-License-Identifier: Apache-2.0
"""What the backup daemon tells the page of itself, of the stick and of what is on it."""

from typing import NamedTuple

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import BackupState


class Listed(NamedTuple):
    """A backup on the stick; `made` is seconds since 1970, `size` bytes of its file."""

    name: str
    made: int
    village: str
    size: int


class Found(NamedTuple):
    """What is in a backup that was checked; `made` is seconds since 1970, `size` bytes of files."""

    made: int
    village: str
    domain: str
    accounts: int
    letters: int
    size: int


class View(NamedTuple):
    """How things stand; the stick is let alone while there is work on it."""

    state: BackupState
    detail: Sentence | None = None
    progress: float | None = None  # from 0 to 1
    found: Found | None = None
    before: int | None = None  # when the last restore was, in seconds since 1970
    stick: str | None = None  # its name, "" if it has none; None without a stick
    problem: Sentence | None = None  # of the stick
    room: int = 0  # bytes that are free on it
    needed: int = 0  # bytes that a backup may take
    backups: tuple[Listed, ...] = ()
