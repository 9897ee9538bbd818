# SPDX-License-Identifier: Apache-2.0
"""`scripts/lock`: resolve anew what the images are made of; runs in the toolbox."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from scripts.engines.debian import packages
from scripts.engines.debian.archive import Archive
from scripts.engines.debian.lock import (
    LOCK,
    Lock,
    LockError,
    changes,
    falls_behind,
    merge,
    parse,
    write,
)
from scripts.recipes import RecipeError, System, boards, load
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError, say

NAME = LOCK.relative_to(REPOSITORY)
DESCRIPTION = f"""Take Debian's newest packages into the images.

Writes to {NAME} what the image of every board takes as the mirror is now, and
prints what has changed. Images are built from that file alone: read the changes, try the image,
and commit it."""


def main(arguments: list[str] | None = None) -> int:
    """Write the lock; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/lock",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only print what would change (make lock DRY_RUN=1)"
    )
    options = parser.parse_args(arguments)
    try:
        cache = Path(os.environ["MOKANDA_CACHE"])
        new = resolve([load(board) for board in boards()], cache, Log(cache / "lock.log"))
        renew(LOCK, new, dry_run=options.dry_run)
    except (RecipeError, StepError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def resolve(systems: list[System], cache: Path, log: Log) -> Lock:
    """What the images of systems of any architecture take as the mirror is now."""
    by_architecture: dict[str, list[System]] = {}
    for system in systems:
        by_architecture.setdefault(system.soc.architecture, []).append(system)
    return merge(
        packages.resolve(same, Archive(cache, architecture, log))
        for architecture, same in sorted(by_architecture.items())
    )


def renew(path: Path, new: Lock, *, dry_run: bool) -> None:
    """Put a new lock into the place of the old one, and print what that changes.

    Raises:
        LockError: it would bring back packages that the old one had left behind.
    """
    old = _readable(path)
    lines = list(changes(old, new))
    for line in lines:
        print(line)
    for suite, date in new.suites.items():
        say(f"{suite} as of {date:%Y-%m-%d}")
    if not new.security:
        say("WARNING: without security updates, the mirror did not offer them")
    say(f"{len(new.debs)} packages, {len(lines)} changed")
    behind = falls_behind(old, new) if old else None
    if behind:
        raise LockError(
            f"{behind}; {NAME} is left as it is, try later (or remove it, to have it all the same)"
        )
    if dry_run:
        say(f"{NAME} is left as it is")
        return
    path.write_text(write(new), encoding="utf-8")
    owner = path.parent.stat()
    shutil.chown(path, owner.st_uid, owner.st_gid)
    say(f"{NAME} is written")


def _readable(path: Path) -> Lock | None:
    """The lock of now; None where it is missing, or damaged as by a merge."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, LockError):
        return None


if __name__ == "__main__":
    sys.exit(main())
