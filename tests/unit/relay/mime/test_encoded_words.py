# SPDX-License-Identifier: Apache-2.0
"""Subjects and names as senders encode them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.encoded_words import decode_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("La =?iso-8859-1?q?r=E9colte?= de mai", "La récolte de mai"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\t=?iso-8859-1?q?=E9?=", "aé"),
        ("=?utf-8?b?w6k=?=", "é"),
        # A character cut in two, by words of one charset.
        ("=?utf-8?q?na_y=C3?= =?utf-8?q?=A9?=", "na yé"),
        ("=?iso-2022-jp?B?GyRCO1Q+bBsoQg==?=", "市場"),
        # Against the rules: within a word, with spaces, a question mark, no padding, a language.
        ('"=?utf-8?q?=C3=A9?="', '"é"'),
        ("(=?utf-8?q?a b?=)", "(a b)"),
        ("=?utf-8?q?=C3=A7a va??=", "ça va?"),
        ("=?utf-8?b?w6nDqQ?=", "éé"),
        ("=?utf-8*fr?q?=C3=A9?=", "é"),
        ("=?UTF-8?Q?=c3=a9?=x", "éx"),
        # A broken one stands as it is, and the others are read.
        ("=?utf-8?B?A?= marche =?utf-8?q?=C3=A9t=C3=A9?=", "=?utf-8?B?A?= marche été"),
        ("Prix =?utf-8?q?de_l=27=C3=A9t=C3=A9", "Prix de l'été"),  # cut
        ("=??q?=C3=A9?=", "é"),
        ("=?utf-8?q?no end", "=?utf-8?q?no end"),
        ("=?klingon?q?=E9?=", "é"),
        ("Mbɔtɛ =?utf-8?q?na_yɔ_=C3=A9?=", "Mbɔtɛ na yɔ é"),
        # Encoded twice, by a program that did not know that it was.
        ("=?utf-8?b?PT91dGYtOD9xP3k9QzM9QTk/PQ==?=", "yé"),
        ("2 =? 3", "2 =? 3"),
        ("\\u0041", "\\u0041"),
    ],
)
def test_encoded_words_are_read(value: str, text: str) -> None:
    assert decode_words(value) == text


@given(st.text(alphabet="=?utf-8qbA_é \n", max_size=60))
def test_no_word_is_too_broken(value: str) -> None:
    assert "\n" not in decode_words(value)
