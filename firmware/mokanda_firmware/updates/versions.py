# SPDX-License-Identifier: Apache-2.0
"""Versions in their order, as Semantic Versioning has it (semver.org, 11)."""

import re

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")

_Order = tuple[tuple[int, ...], bool, list[tuple[bool, int, str]]]


def is_older(version: str, than: str) -> bool:
    """Whether a version is older than another; no when one of them is none."""
    one, other = _order(version), _order(than)
    return one is not None and other is not None and one < other


def _order(version: str) -> _Order | None:
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    *numbers, before = found.groups()
    words = before.split(".") if before else []
    # Numbers come before words, and every version of before a release before that.
    parts = [(not word.isdecimal(), int(word) if word.isdecimal() else 0, word) for word in words]
    return tuple(int(number) for number in numbers), not before, parts
