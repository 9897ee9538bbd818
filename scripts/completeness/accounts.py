# SPDX-License-Identifier: Apache-2.0
"""Accounts: who owns files, who units run as, and which programs run as somebody else."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

UNITS = "usr/lib/systemd/system"
_ACCOUNT = re.compile(r"^(User|Group|SupplementaryGroups)=(.+)$", re.MULTILINE)
_FILES = {"User": "passwd", "Group": "group", "SupplementaryGroups": "group"}


def missing(root: Path) -> Iterator[str]:
    """Complaints about accounts that a file or one of our units names, but are not there."""
    users, groups = _accounts(root, "passwd"), _accounts(root, "group")
    for path in [root, *sorted(root.rglob("*"))]:
        status = path.lstat()
        where = f"/{path.relative_to(root)}"
        if status.st_uid not in users.values():
            yield f"{where}: belongs to user {status.st_uid}, who is nobody"
        if status.st_gid not in groups.values():
            yield f"{where}: belongs to group {status.st_gid}, which is none"
    for unit in sorted((root / UNITS).rglob("*.*")):
        if not unit.is_file() or unit.suffix not in (".service", ".socket", ".conf"):
            continue
        text = unit.read_text()
        dynamic = re.search(r"^DynamicUser=yes", text, re.MULTILINE)
        for key, names in _ACCOUNT.findall(text):
            known = users if key == "User" else groups
            for name in names.split():
                if name not in known and "%" not in name and not dynamic:
                    yield f"{unit.name}: {key}={name}, but there is none in /etc/{_FILES[key]}"


def privileged(root: Path) -> Iterator[str]:
    """Complaints about programs that run as their owner or group, or have capabilities."""
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        where = f"/{path.relative_to(root)}"
        mode = path.stat().st_mode
        if mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"{where}: runs as its owner or group ({mode & 0o7777:o})"
        if "security.capability" in os.listxattr(path):
            yield f"{where}: has capabilities of its own"


def _accounts(root: Path, name: str) -> dict[str, int]:
    lines = (root / "etc" / name).read_text().splitlines()
    return {fields[0]: int(fields[2]) for fields in (line.split(":") for line in lines)}
