# SPDX-License-Identifier: Apache-2.0
"""Shared libraries: each that a program or another library names is there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from scripts.completeness.programs import inside

# What readelf says of a file that it was given with others.
_FILE = re.compile(r"^File: (.+)$", re.MULTILINE)
_LOADER = re.compile(r"Requesting program interpreter: (.+)\]")
_LIBRARY = re.compile(r"\(NEEDED\) +Shared library: \[(.+)\]")


def needed(root: Path) -> dict[Path, list[str]]:
    """The libraries that each program and library names."""
    return {path: _LIBRARY.findall(said) for path, said in _read(_elf_files(root))}


def missing(root: Path) -> Iterator[str]:
    """Complaints about libraries and loaders that are named, but are not there."""
    there = {path.name for path in (root / "usr").rglob("*.so*")}
    wanted: dict[str, list[str]] = {}  # by library, who names it
    for path, said in _read(_elf_files(root)):
        where = f"/{path.relative_to(root)}"
        for loader in _LOADER.findall(said):
            if inside(Path(loader), root) is None:
                yield f"{where}: its loader {loader} is missing"
        for library in _LIBRARY.findall(said):
            wanted.setdefault(library, []).append(where)
    for library, users in sorted(wanted.items()):
        if library not in there:
            yield f"{library}: no such library, but needed by {', '.join(users[:3])}"


def _elf_files(root: Path) -> Iterator[Path]:
    """Programs and libraries; a kernel's modules name none."""
    for path in sorted((root / "usr").rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix != ".ko":
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def _read(files: Iterator[Path]) -> Iterator[tuple[Path, str]]:
    """What readelf says of each file."""
    paths = [str(path) for path in files]
    if not paths:
        return
    command = ["readelf", "--wide", "--program-headers", "--dynamic", "/dev/null", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = _FILE.split(done.stdout)[1:]  # /dev/null makes it name a file that is alone, too
    for name, said in zip(told[::2], told[1::2], strict=True):
        yield Path(name), said
