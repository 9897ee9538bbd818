# SPDX-License-Identifier: Apache-2.0
"""The lock: exactly which Debian packages the images are made of.

`make lock` writes it from Debian's indexes, `make image` reads it and needs no index. It is TOML,
a line for each package, sorted, so that a change of it can be read; docs/decisions/0006-lock.md
says why it is there.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.engines import Package
from scripts.recipes import ROOT as RECIPES
from scripts.tools.steps import StepError

LOCK = RECIPES / "packages.lock"

_HEAD = """# SPDX-License-Identifier: Apache-2.0
# The Debian packages of every image. Written by `make lock`; not to be changed by hand.
"""
_WITHOUT_SECURITY = """
# Without security updates: they could not be had from the mirror when this was written.
"""


class LockError(StepError):
    """A lock that cannot be used; the text says why, and what to do."""


@dataclass(frozen=True, order=True)
class Deb:
    """One package, as a file of the archive."""

    name: str
    version: str
    architecture: str  # "all" for what is the same everywhere
    archive: str  # "debian" or "debian-security"
    path: str  # below the archive's root
    size: int  # bytes
    sha256: str

    @property
    def qualified_name(self) -> str:
        """Its name where several architectures meet, as dpkg has it."""
        return f"{self.name}:{self.architecture}"

    @property
    def file(self) -> str:
        """Its name where apt keeps it."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"

    @property
    def package(self) -> Package:
        """What the image's record says of it."""
        return Package(self.name, self.version, self.sha256)


@dataclass(frozen=True)
class Selection:
    """What one image takes."""

    asked: str  # digest of the names that were asked for
    debs: frozenset[Deb]  # those and all that they depend on


@dataclass(frozen=True)
class Lock:
    """What the image of every board takes, as the archive was at some time."""

    suites: Mapping[str, datetime]  # when the archive wrote each index that was read
    boards: Mapping[str, Selection]

    @property
    def security(self) -> bool:
        """Whether security updates were there to be taken."""
        return any(suite.endswith("-security") for suite in self.suites)

    @property
    def debs(self) -> dict[str, Deb]:
        """All packages by what dpkg calls them (name:architecture), sorted."""
        found = {deb for selection in self.boards.values() for deb in selection.debs}
        return {deb.qualified_name: deb for deb in sorted(found)}

    def select(self, board: str, names: Iterable[str]) -> list[Deb]:
        """The packages of a board whose recipes ask for `names`, sorted; raises LockError."""
        names = list(names)
        if board not in self.boards or self.boards[board].asked != digest(names):
            unknown = sorted(set(names) - {deb.name for deb in self.debs.values()})
            why = f" ({', '.join(unknown)} added)" if unknown else ""
            raise LockError(
                f"the recipes ask for other packages than {LOCK.name} holds{why}: run make lock"
            )
        return sorted(self.boards[board].debs)


def digest(names: Iterable[str]) -> str:
    """A digest of what is asked for, in any order."""
    return hashlib.sha256("\n".join(sorted(set(names))).encode()).hexdigest()


def changes(old: Lock | None, new: Lock) -> Iterator[str]:
    """What a new lock changes, a line for each package, sorted."""
    before, after = old.debs if old else {}, new.debs
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None and now is not None:
            yield f"{name}  new, {now.version}"
        elif now is None and was is not None:
            yield f"{name}  gone, was {was.version}"
        elif was and now and was.version != now.version:
            yield f"{name}  {was.version} -> {now.version}"
        elif was and now and was.sha256 != now.sha256:
            yield f"{name}  {now.version}, but another file"


def merge(locks: Iterable[Lock]) -> Lock:
    """One lock of those of several architectures, as old as the oldest of them.

    Raises:
        LockError: the mirror has changed between them.
    """
    locks = list(locks)
    shared = set.intersection(*(set(lock.suites) for lock in locks))
    suites = {suite: min(lock.suites[suite] for lock in locks) for suite in shared}
    merged = Lock(suites, {board: lock.boards[board] for lock in locks for board in lock.boards})
    if len(merged.debs) < len({deb for lock in locks for deb in lock.debs.values()}):
        raise LockError("the mirror was synchronised while it was read: run make lock again")
    return merged


def falls_behind(old: Lock, new: Lock) -> str | None:
    """How a new lock would bring back what the old one had left behind; None if it does not."""
    for suite, date in sorted(old.suites.items()):
        if suite not in new.suites:
            return f"the mirror's {suite} cannot be read now, and the present lock was made with it"
        if new.suites[suite] < date:
            return (
                f"{suite} can only be read as of {new.suites[suite]:%Y-%m-%d}, "
                f"and the present lock is of {date:%Y-%m-%d}"
            )
    return None


def write(lock: Lock) -> str:
    """The lock as text."""
    lines = [_HEAD]
    if not lock.security:
        lines.append(_WITHOUT_SECURITY)
    lines.append("\n[suites] # and when Debian wrote the index that was read\n")
    for suite, date in sorted(lock.suites.items()):
        lines.append(f"{_text(suite)} = {date:%Y-%m-%dT%H:%M:%SZ}\n")
    lines.append("\n[asked] # digest of what the recipes of each board ask for\n")
    for board, selection in sorted(lock.boards.items()):
        lines.append(f"{_text(board)} = {_text(selection.asked)}\n")
    lines.append("\n[packages]\n")
    for name, deb in lock.debs.items():
        fields = [
            f"{field} = {_text(getattr(deb, field))}"
            for field in ("version", "archive", "path", "sha256")
        ]
        fields.insert(-1, f"size = {deb.size}")
        boards = sorted(board for board, has in lock.boards.items() if deb in has.debs)
        if len(boards) < len(lock.boards):
            fields.append(f"boards = [{', '.join(map(_text, boards))}]")
        lines.append(f"{_text(name)} = {{ {', '.join(fields)} }}\n")
    return "".join(lines)


def parse(text: str) -> Lock:
    """Read what `write` wrote; raises LockError."""
    try:
        table = tomllib.loads(text)
        suites = {suite: _date(date) for suite, date in table["suites"].items()}
        everyone = frozenset(table["asked"])
        found = [_deb(name, fields, everyone) for name, fields in table["packages"].items()]
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise LockError(f"{LOCK.name} cannot be read ({error!r}): run make lock") from error
    boards = {
        board: Selection(str(asked), frozenset(deb for deb, boards in found if board in boards))
        for board, asked in table["asked"].items()
    }
    return Lock(suites, boards)


def read(path: Path = LOCK) -> Lock | None:
    """The lock of a tree; None where there is none. Raises LockError."""
    return parse(path.read_text(encoding="utf-8")) if path.exists() else None


def _deb(name: str, fields: dict[str, Any], everyone: frozenset[str]) -> tuple[Deb, frozenset[str]]:
    boards = frozenset(fields.pop("boards", everyone))
    name, architecture = name.split(":")
    return Deb(name=name, architecture=architecture, **fields), boards


def _date(date: datetime) -> datetime:
    return date.astimezone(UTC)


def _text(value: str) -> str:
    # A JSON string without control characters or surrogates is one of TOML's, too.
    return json.dumps(value, ensure_ascii=False)
