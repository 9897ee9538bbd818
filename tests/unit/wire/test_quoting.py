# SPDX-License-Identifier: Apache-2.0
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_wire import quoting
from mokanda_wire.text import clean


def test_marks_are_written_where_they_change() -> None:
    text = "Jean:\n> Amina:\n> > Mbote!\n> >\n> > Ndenge?\n> Malamu.\n\nBonjour"
    assert quoting.strip(text) == (
        "Jean:\n\x03Amina:\n\x03Mbote!\n\nNdenge?\n\x04> \x04Malamu.\n\x02\nBonjour"
    )


@given(st.text(st.sampled_from("> \na\u00e9\x02\x03\x04\r")) | st.text())
def test_text_comes_back_as_it_was(text: str) -> None:
    assert quoting.restore(quoting.strip(text), 100_000) == clean(text)


@given(st.text(st.sampled_from("> \n\x02\x03\x04a")))
def test_any_text_is_restored_somehow_or_refused(text: str) -> None:
    with contextlib.suppress(quoting.QuotingError):
        assert len(quoting.restore(text, 1000)) <= 1000


def test_a_few_bytes_cannot_grow_without_bound() -> None:
    with pytest.raises(quoting.QuotingError):
        quoting.restore("\x03" + "\n" * 1000, 1000)
    with pytest.raises(quoting.QuotingError):
        quoting.restore("\n".join("\x03a" for _ in range(1000)), 10_000_000)
