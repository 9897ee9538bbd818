# SPDX-License-Identifier: Apache-2.0
"""Whether a finished root file system has all that its recipes, our code and its units need.

The engines prove that what was asked for took effect; here it is asked whether that is enough:
a piece that is missing fails the build, not the village.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scripts.completeness import accounts, libraries, programs, running, units
from scripts.recipes import System
from scripts.tools.steps import Log, StepError, say


def check(system: System, root: Path, log: Log) -> None:
    """Look for what is missing in a root file system; raises StepError that names all of it."""
    say("checking that the root file system lacks nothing")
    missing = list(_missing(system, root, log))
    if missing:
        raise StepError("\n".join(["the root file system is not whole:", *missing]))


def _missing(system: System, root: Path, log: Log) -> Iterator[str]:
    yield from programs.missing(system.needs_programs, system.needs_files, root)
    yield from libraries.missing(root)
    yield from accounts.missing(root)
    yield from accounts.privileged(root)
    yield from units.wrong(system.services_enable, root, log)
    yield from running.wrong(system.needs_answers, system.soc.architecture, root)
