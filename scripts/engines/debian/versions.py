# SPDX-License-Identifier: Apache-2.0
"""Versions as Debian writes and orders them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable

# "1.3.dfsg+really1.3.2": what stands behind "really"; "1.10.8+ds1": what stands before "+ds1".
_REALLY = re.compile(r".*[+.~]really")
_REPACKED = re.compile(r"[+.~-](?:dfsg|ds|repack|tests)[.~+\d]*$")


def upstream(version: str) -> str:
    """A version without what Debian adds: epoch, revision, and that it left files out."""
    version = re.sub(r"^\d+:", "", version)
    version = version.rpartition("-")[0] or version
    return _REPACKED.sub("", _REALLY.sub("", version))


def newer(version: str, than: str) -> bool:
    """Whether a version comes behind another by dpkg's rule."""
    done = subprocess.run(
        ["dpkg", "--compare-versions", version, "gt", than], capture_output=True, check=False
    )
    return done.returncode == 0


def newest(versions: Iterable[str]) -> str | None:
    """The last of the versions by dpkg's rule; None if there are none."""
    best = None
    for version in versions:
        if best is None or newer(version, best):
            best = version
    return best
