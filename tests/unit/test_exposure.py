# SPDX-License-Identifier: Apache-2.0
"""How far each unit of ours is shut in, by what systemd itself makes of it."""

import re
import subprocess
from typing import Final

import pytest

from scripts.assembly.root import OVERLAYS
from scripts.tools.repository import TOOLBOX
from scripts.tools.tree import lay

UNITS: Final = sorted(
    path.name
    for overlay in OVERLAYS
    for path in (overlay / "usr/lib/systemd/system").glob("*.service")
)
MOST: Final = 2.0  # of 10, by `systemd-analyze security`
# Units that need more, and why: there is none.
EXCEPTIONS: Final[dict[str, float]] = {}

_VERDICT = re.compile(r"Overall exposure level for (\S+): (\d+\.\d)")


@pytest.fixture(scope="module")
def exposure(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What each unit may do of all that a program could, from 0 to 10."""
    root = tmp_path_factory.mktemp("root")
    for overlay in OVERLAYS:
        lay(overlay, root)
    command = ["systemd-analyze", "security", "--offline=true", f"--root={root}", "--no-pager"]
    told = subprocess.run(
        [TOOLBOX, "--bind", root, *command, *UNITS], check=True, capture_output=True, text=True
    ).stdout
    return {name: float(level) for name, level in _VERDICT.findall(told)}


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_may_do_little_beside_its_work(unit: str, exposure: dict[str, float]) -> None:
    assert exposure[unit] <= EXCEPTIONS.get(unit, MOST)
