# SPDX-License-Identifier: Apache-2.0
"""Units: those that start at boot and those of ours can be read, and their programs are there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from scripts.completeness.accounts import UNITS
from scripts.tools.steps import Log

KINDS = (".service", ".socket", ".path", ".timer", ".target", ".mount")


def wrong(enabled: Iterable[str], root: Path, log: Log) -> Iterator[str]:
    """Complaints of systemd's own check about units of the root file system."""
    ours = {path.name for path in (root / UNITS).glob("mokanda*") if path.suffix in KINDS}
    # Of a template there is nothing to be checked before it has an instance.
    names = sorted(name for name in {*ours, *enabled} if not name.partition("@")[2].startswith("."))
    command = ["systemd-analyze", "verify", f"--root={root}", "--man=no", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    with log.path.open("a") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
    yield from done.stderr.replace(f"{root}/", "/").splitlines()
