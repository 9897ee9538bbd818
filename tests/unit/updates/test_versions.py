# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import pytest

from mokanda_firmware.updates.versions import is_older

IN_ORDER = """
0.9.0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-beta.2 1.0.0-beta.11 1.0.0-dev 1.0.0 1.0.1 1.2.0 1.10.0 2.0.0
""".split()


@pytest.mark.parametrize(("older", "newer"), list(pairwise(IN_ORDER)))
def test_versions_have_an_order(older: str, newer: str) -> None:
    assert is_older(older, newer)
    assert not is_older(newer, older)


def test_of_two_builds_of_a_version_none_is_older() -> None:
    assert not is_older("1.0.0-dev+0123", "1.0.0-dev+4567")
    assert not is_older("1.0.0-dev+4567", "1.0.0-dev+0123")


def test_what_is_no_version_is_not_older() -> None:
    assert not is_older("development", "1.0.0")
    assert not is_older("1.0.0", "development")
