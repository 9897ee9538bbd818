# SPDX-License-Identifier: Apache-2.0
"""The table of what can go wrong with a device: each row is tried, and in the docs."""

from __future__ import annotations

import ast

import pytest

from scripts.tools.repository import REPOSITORY
from tests.fault_table import PAGE, Fault, faults, page

FAULTS = faults()


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_is_tried_by_tests_that_exist_or_by_its_row(fault: Fault) -> None:
    assert bool(fault.tests) is not bool(fault.until or fault.kills)
    for test in fault.tests:
        file, name = test.split("::")
        tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
        assert name in {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_the_docs_have_the_table_as_it_is() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
