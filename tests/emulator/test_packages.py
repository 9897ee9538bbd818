# SPDX-License-Identifier: Apache-2.0
"""The samples of our packages for Buildroot, run by the board's own Python.

Both engines' images have the packages. The tests look at one board, and change nothing that lasts.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.tools.repository import REPOSITORY
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.ready_village import ReadyVillage

TESTS = REPOSITORY / "buildroot-external/support/testing/tests/package"


@pytest.fixture(scope="module")
def village(ready_village: ReadyVillage) -> Iterator[EmulatedVillage]:
    with ready_village.started() as village:
        yield village


@pytest.mark.parametrize("sample", sorted(TESTS.glob("sample_*.py")), ids=lambda path: path.stem)
def test_a_sample_passes_on_the_board(village: EmulatedVillage, sample: Path) -> None:
    content = base64.b64encode(sample.read_bytes()).decode()
    village.shell.check(f"echo {content} | busybox base64 -d >/run/{sample.name}")
    assert village.shell.check(f"python3 /run/{sample.name}", seconds=180) == ""
