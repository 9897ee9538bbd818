# SPDX-License-Identifier: Apache-2.0
"""The table of what can go wrong with a device, `faults_of_device.toml`.

`python -m tests.fault_table` writes docs/faults.md.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

from scripts.tools.repository import REPOSITORY

PAGE: Final = REPOSITORY / "docs" / "faults.md"

_TABLE: Final = Path(__file__).with_name("faults_of_device.toml")
_HEAD: Final = """\
# What can go wrong

Made by `python -m tests.fault_table` from
[tests/faults_of_device.toml](../tests/faults_of_device.toml), which names the tests one by one.
Where a row names no test it is one itself, on the emulated board (`tests/emulator/test_faults.py`):
`make test` tries those that take seconds, `make bench-faults` all.

| what goes wrong | what holds | tried by |
|---|---|---|
"""


class Fault(NamedTuple):
    """A row; `faults_of_device.toml` says what is in it."""

    name: str
    wrong: str
    holds: str
    tests: tuple[str, ...] = ()
    does: str = ""
    kills: tuple[str, ...] = ()
    destroys: tuple[str, ...] = ()
    from_b: bool = False
    starts: bool = False
    until: str = ""
    seconds: float = 120.0
    quick: bool = False


def faults() -> list[Fault]:
    """Return all rows; raises TypeError where one has what no row has, or lacks something."""
    with _TABLE.open("rb") as file:
        table = tomllib.load(file)
    return [Fault(name, **_fields(row)) for name, row in table.items()]


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(each) if isinstance(each, list) else each for key, each in row.items()}


def page() -> str:
    """The table for people."""
    return _HEAD + "".join(
        f"| {fault.wrong} | {fault.holds} | {_tried_by(fault)} |\n" for fault in faults()
    )


def _tried_by(fault: Fault) -> str:
    if not fault.tests:
        return f"`{fault.name}`" + (", in `make test`" if fault.quick else "")
    files = dict.fromkeys(test.partition("::")[0] for test in fault.tests)
    return ", ".join(f"[{Path(file).stem}](../{file})" for file in files)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
