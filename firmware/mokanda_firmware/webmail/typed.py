# SPDX-License-Identifier: Apache-2.0
"""Addresses and names as phones type and paste them, put in order before they are read."""

import unicodedata
from urllib.parse import unquote

from mokanda_wire.text import one_line, without_invisible

# What keyboards and other programs put for a plain character.
_PLAIN = str.maketrans(
    {
        **{wide: chr(ord(wide) - 0xFEE0) for wide in map(chr, range(0xFF01, 0xFF5F))},
        # hyphens and dashes; double quotes, single ones; commas and semicolons of other scripts
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63", "-"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2039\u203a", "'"),
        **dict.fromkeys("\u060c\u3001", ","),
        **dict.fromkeys("\u061b", ";"),
        **dict.fromkeys("\u3002\uff61", "."),
        **dict.fromkeys("\u2028\u2029", "\n"),
        "\ufe6b": "@",
    }
)
_BEFORE, _BEHIND = "<([\"'", ">)]\"'.,:;!?"
_MAILTO = "mailto:"
_MAX_NAME = 60


def plain(text: str) -> str:
    """Put plain characters for those that look like them, and drop what nobody sees.

    Of the two ways to write a letter with an accent it takes one: phones differ in that.
    """
    return unicodedata.normalize("NFC", without_invisible(text)).translate(_PLAIN)


def bare(word: str) -> str:
    """Take off what stands around an address: brackets, quotes, a full stop, `mailto:`."""
    word = word.strip().lstrip(_BEFORE)
    if word[: len(_MAILTO)].lower() == _MAILTO:
        word = unquote(word[len(_MAILTO) :].partition("?")[0])
    return word.rstrip(_BEHIND).strip()


def villager(text: str) -> str:
    """Return the villager's name that was typed, with or without the village's domain."""
    return bare(plain(text)).partition("@")[0].lower()


def display_name(text: str) -> str:
    """Return the name that a villager shows, without what nobody sees in it."""
    return one_line(without_invisible(text))[:_MAX_NAME].strip()


def shown(character: str) -> str:
    """Write a character such that it is seen, by its code if there is nothing to see."""
    if not character.isprintable() or character.isspace():
        return f"U+{ord(character):04X}"
    return f"\u25cc{character}" if unicodedata.combining(character) else character
