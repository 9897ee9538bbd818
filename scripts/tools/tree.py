# SPDX-License-Identifier: Apache-2.0
"""Our own files in a root file system."""

from __future__ import annotations

import shutil
from pathlib import Path


def lay(source: Path, target: Path) -> None:
    """Copy our own files, with the modes that git has for them, whatever umask they came by."""
    unwanted = shutil.ignore_patterns("__pycache__", "tests", ".gitignore", "*.po")
    shutil.copytree(source, target, symlinks=True, ignore=unwanted, dirs_exist_ok=True)
    for original in [source, *source.rglob("*")]:
        path = target / original.relative_to(source)
        if path.exists() and not path.is_symlink():
            executable = original.is_dir() or original.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
