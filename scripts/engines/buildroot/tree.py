# SPDX-License-Identifier: Apache-2.0
"""What is asked of a Buildroot tree, by whoever reads one."""

from __future__ import annotations

import subprocess
from pathlib import Path


def variable(package: str) -> str:
    """What the names of a package's variables in its makefile begin with."""
    return package.upper().replace("-", "_")


def git(tree: Path, *command: str) -> subprocess.CompletedProcess[bytes]:
    """Ask git of a tree that may be another user's."""
    return subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", tree, *command], capture_output=True, check=False
    )
