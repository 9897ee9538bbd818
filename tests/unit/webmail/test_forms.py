# SPDX-License-Identifier: Apache-2.0
"""Forms as phones send them, in the memory that a board has."""

import io
import threading
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.mailbox.store.database import StoreBusy
from mokanda_firmware.webmail import forms
from tests.unit.webmail.served_village import Village


def read(body: bytes, text_limit: int = forms.SHORT) -> forms.Form:
    """Read a form without files."""
    environ = {
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    no_store: Any = None
    return forms.read(environ, no_store, 0, text_limit=text_limit)


@given(st.lists(st.tuples(st.sampled_from(["a", "é b", "&"]), st.text(max_size=40)), max_size=9))
def test_what_was_typed_comes_out(fields: list[tuple[str, str]]) -> None:
    form = read(urlencode(fields).encode())
    for name, _ in fields:
        typed = [value for other, value in fields if other == name]
        assert form.all(name) == [forms._text(value.encode()) for value in typed]


@pytest.mark.parametrize("length", range(65530, 65542))
def test_an_escape_at_the_end_of_a_piece_stays_whole(length: int) -> None:
    form = read(b"text=" + b"x" * length + b"%C3%A9%", forms.LONG)
    assert form["text"] == "x" * length + "é%"


@pytest.mark.parametrize("body", [b"a=" + b"x" * forms.SHORT, b"a=b&" * 100_000])
def test_a_form_that_is_too_long_is_cut(body: bytes) -> None:
    form = read(body)
    assert form.problem in {forms.TOO_LONG, forms.MALFORMED}
    assert form.size <= forms.SHORT


def test_short_pages_take_no_long_text(village: Village) -> None:
    awa = village.villager("awa")
    assert "too long" in awa.post("/account/name", 413, display_name="x" * 40_000).text


def test_large_forms_wait_for_each_other_and_small_ones_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forms, "_TURN_SECONDS", 0)
    turns = forms.Turns()
    large, small = read(b"a=" + b"x" * 20_000), read(b"a=b")
    with turns.turn(large), turns.turn(small):
        refused = threading.Event()

        def come_second() -> None:
            with pytest.raises(StoreBusy), turns.turn(large):
                pass
            refused.set()

        second = threading.Thread(target=come_second)
        second.start()
        second.join()
        assert refused.is_set()
    with turns.turn(large):
        pass
