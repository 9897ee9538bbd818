# SPDX-License-Identifier: Apache-2.0
"""What a mail says of the list that it came by, and how to leave it."""

from email import message_from_string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime import lists
from mokanda_relay.mime.headers import Headers
from mokanda_relay.mime.lists import Listing, Mailto, read_mailto

POST = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"


def listing(headers: str) -> Listing:
    return lists.of(Headers(message_from_string(f"From: news@shop.example\n{headers}\nText")))


@pytest.mark.parametrize(
    "headers",
    ["List-Id: <a.example>\n", "List-Unsubscribe: <https://a.example>\n", "Precedence: Bulk\n"],
)
def test_a_list_or_newsletter_says_so(headers: str) -> None:
    assert listing(headers).to_many


def test_a_letter_is_of_none() -> None:
    assert listing("") == Listing()


def test_one_click_needs_https_and_the_word_that_it_is_one() -> None:
    both = "List-Unsubscribe: <mailto:leave@shop.example?subject=off>,\n <https://shop.example/u>\n"
    assert listing(both + POST) == Listing(
        to_many=True,
        one_click="https://shop.example/u",
        mailto="mailto:leave@shop.example?subject=off",
    )
    assert listing(both).one_click == ""
    assert listing("List-Unsubscribe: <http://shop.example/u>\n" + POST).one_click == ""


def test_a_url_that_was_folded_is_whole_again() -> None:
    found = listing("List-Unsubscribe: <https://shop.example/\n u?id=1>\n" + POST)
    assert found.one_click == "https://shop.example/u?id=1"


def test_a_mailto_says_whom_to_write_and_what() -> None:
    url = "mailto:leave%2B1@shop.example?Subject=off%0d%0aBcc:%20all@x.example&body=leave%20me"
    assert read_mailto(url) == Mailto("leave+1@shop.example", "off Bcc: all@x.example", "leave me")


@pytest.mark.parametrize(
    "url", ["mailto:", "mailto:a@b.example,c@d.example", "https://a.example", "mailto:a b@c", "x"]
)
def test_what_is_no_mailto_is_none(url: str) -> None:
    assert read_mailto(url) is None


@given(st.text(max_size=200))
def test_anything_may_stand_there(text: str) -> None:
    found = listing(f"List-Unsubscribe: {' '.join(text.split())}\n" + POST)
    assert found.one_click == "" or found.one_click.lower().startswith("https://")
    read_mailto(f"mailto:{text}")
