# SPDX-License-Identifier: Apache-2.0
"""Engines: each turns recipes into a root file system and a kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    kernel: Path  # zImage
    kernel_release: str
    device_tree: Path
    busybox: Path  # statically linked, for the initramfs
    packages: list[Package]
    suites: list[str] = field(default_factory=list)
    security: bool = True  # whether security updates were available
