# SPDX-License-Identifier: Apache-2.0
"""Foreign text where people read it: in the log, in alerts."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.printable import LogFormatter, one_line


@given(text=st.text(st.characters(exclude_categories=())), limit=st.integers(1, 30))
def test_any_text_is_one_printable_line_of_so_many_characters(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert one_line(shown, limit) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mbote na yo, Éloïse 🌍", "mbote na yo, Éloïse 🌍"),
        ("a\r\nb\0", r"a\r\nb\x00"),
        ("\ud800\u202e", r"\ud800\u202e"),
        ("x" * 31, "x" * 29 + "…"),
    ],
)
def test_it_shows_what_the_text_is(text: str, shown: str) -> None:
    assert one_line(text, 30) == shown


def test_what_an_exception_says_never_looks_like_a_record() -> None:
    try:
        raise ValueError("\n2026-01-01 00:00:00,000 WARNING forged\r2026 \u2028again")
    except ValueError:
        raised = sys.exc_info()
    record = logging.LogRecord("relay", logging.ERROR, "", 0, "broken: %s", ("a\nb",), raised)
    first, *others = LogFormatter().format(record).splitlines()
    assert first.endswith(r"ERROR broken: a\nb")
    assert any("forged" in each for each in others)
    assert all(each.startswith("  ") for each in others)
