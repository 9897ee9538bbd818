# SPDX-License-Identifier: Apache-2.0
"""What became of a letter at its reader's."""

import pytest

from mokanda_relay.mime.parse import parse
from mokanda_wire.message import DELETED, DISPLAYED, Message

RECEIPT = """\
From: jean@example.org
Content-Type: multipart/report; report-type=disposition-notification; boundary=q

--q
Content-Type: text/plain; charset=utf-8

{words}
--q
Content-Type: message/disposition-notification

Reporting-UA: pc.example.org; Mail 1.0
Final-Recipient: rfc822;jean@example.org
Original-Message-ID: <1@kitenge.example>
Disposition: manual-action/MDN-sent-manually; {became}

--q
Content-Type: message/rfc822

From: amina@kitenge.example
Subject: Mbote

A letter of the villager's own.
--q--
"""


def read(words: str, became: str) -> Message:
    return parse(RECEIPT.format(words=words, became=became).encode())[0]


@pytest.mark.parametrize(
    ("became", "note"),
    [("displayed", DISPLAYED), ("deleted/expired", DELETED), ("failed", "")],
)
def test_a_receipt_without_words_says_what_became_of_the_letter(became: str, note: str) -> None:
    message = read("", became)
    assert (message.note, message.words) == (note, "")
    assert message.automatic


def test_a_receipt_says_of_which_letter_it_is() -> None:
    assert read("", "displayed").in_reply_to == "1@kitenge.example"


def test_a_receipt_with_words_says_them() -> None:
    message = read("Jean a lu votre lettre.", "displayed")
    assert (message.note, message.text) == ("", "Jean a lu votre lettre.")
