# SPDX-License-Identifier: Apache-2.0
"""Engines: each turns recipes into a root file system and a kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from scripts.tools.steps import StepError


@dataclass(frozen=True)
class Package:
    """One package that is in the image."""

    name: str
    version: str
    sha256: str = ""  # of what was downloaded, if anything was
    licences: tuple[str, ...] = ()  # all hold: SPDX expressions, other words where there is none
    cpe: str = ""  # what the lists of vulnerabilities call it
    source: str = ""  # name and version of Debian's source package, if it is from there


@dataclass(frozen=True)
class Built:
    """What an engine hands to the assembly."""

    root: Path  # the root file system as a tree, usr/lib/modules pruned and indexed
    kernel: Path  # as the SoC's recipe names it: zImage or Image
    kernel_release: str
    device_tree: Path
    busybox: Path  # statically linked, for the initramfs
    firmware: Path  # where Trusted Firmware-A lies, if the SoC's recipe asks for it
    packages: list[Package]
    suites: dict[str, datetime] = field(default_factory=dict)  # when the index of each was written
    security: bool = True  # whether security updates were available
    locked: bool = True  # whether the packages are those that the tree names, to the byte
    folder: Path | None = None  # where it was compiled, by an engine that compiles


def find_file(folder: Path, name: str) -> Path:
    """A file that is in the folder with the maker's folder before its name, or without."""
    for path in (folder / name, folder / Path(name).name):
        if path.exists():
            return path
    raise StepError(f"there is no {name} in {folder}")
