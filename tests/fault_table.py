# SPDX-License-Identifier: Apache-2.0
"""The table of what can go wrong with a device, `faults_of_device.toml`.

`python -m tests.fault_table` writes docs/faults.md.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final, NamedTuple

from scripts.tools.repository import REPOSITORY

PAGE: Final = REPOSITORY / "docs" / "faults.md"

_TABLE: Final = Path(__file__).with_name("faults_of_device.toml")
_HEAD: Final = """\
# What can go wrong

Made by `python -m tests.fault_table` from
[tests/faults_of_device.toml](../tests/faults_of_device.toml), which names the tests one by one.

| what goes wrong | what holds | tried by |
|---|---|---|
"""


class Fault(NamedTuple):
    """A row: what goes wrong, what must hold then, and the tests that try it ("file::test")."""

    name: str
    wrong: str
    holds: str
    tests: tuple[str, ...]


def faults() -> list[Fault]:
    """Return all rows; raises KeyError where one lacks something."""
    with _TABLE.open("rb") as file:
        table = tomllib.load(file)
    return [
        Fault(name, row["wrong"], row["holds"], tuple(row["tests"])) for name, row in table.items()
    ]


def page() -> str:
    """The table for people."""
    return _HEAD + "".join(
        f"| {fault.wrong} | {fault.holds} | {_files(fault)} |\n" for fault in faults()
    )


def _files(fault: Fault) -> str:
    files = dict.fromkeys(test.partition("::")[0] for test in fault.tests)
    return ", ".join(f"[{Path(file).stem}](../{file})" for file in files)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
