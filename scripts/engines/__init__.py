# SPDX-License-Identifier: Apache-2.0
"""Engines: each turns recipes into a root file system and a kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """One package that is in the image."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Built:
    """What an engine hands to the assembly."""

    root: Path  # the root file system as a tree, usr/lib/modules pruned and indexed
    kernel: Path  # as U-Boot starts it
    kernel_release: str
    device_tree: Path
    busybox: Path  # statically linked, for the initramfs
    packages: list[Package]
    suites: dict[str, datetime] = field(default_factory=dict)  # when the index of each was written
    security: bool = True  # whether security updates were available
    locked: bool = True  # whether the packages are those that the tree names, to the byte
