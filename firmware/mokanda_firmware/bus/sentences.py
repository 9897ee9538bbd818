# SPDX-License-Identifier: Apache-2.0
"""Sentences of the daemons that their readers get in their own language.

A daemon says what happens in English, for its log, and hands on what the sentence is made of: a
text of the catalogues, and the values that fill it in. The webmail puts it together again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self


class Sentence(str):
    """An English sentence that knows its text and values; it stays itself in an exception.

    `said` is what it is made of, as JSON: its text, and values that may be sentences again.
    """

    __slots__ = ("said",)
    said: dict[str, Any]

    def __new__(cls, text: str, /, **values: object) -> Self:
        """Fill `values` into `text`; a value may be a sentence, or an exception with one."""
        plain = {
            name: each if isinstance(each, int) else str(each) for name, each in values.items()
        }
        sentence = super().__new__(cls, text.format(**plain))
        parts = {name: getattr(each, "said", each) for name, each in plain.items()}
        sentence.said = {"text": text, "values": parts}
        return sentence

    def __str__(self) -> str:
        return self


def say(text: str, /, **values: object) -> Sentence:
    """Make a sentence; `text` is collected for the catalogues."""
    return Sentence(text, **values)


def said_again(said: object, otherwise: str = "") -> str:
    """Make a sentence of what another process said, `otherwise` if that is none."""
    if not isinstance(said, Mapping) or not isinstance(said.get("text"), str):
        return otherwise
    values = said.get("values")
    values = values if isinstance(values, Mapping) else {}
    try:
        return Sentence(
            said["text"], **{name: said_again(each, str(each)) for name, each in values.items()}
        )
    except (LookupError, TypeError, ValueError):
        return otherwise


def translated(sentence: str, translate: Callable[[str], str]) -> str:
    """Say a sentence in another language; a text that is no `Sentence` stays as it is."""
    if not isinstance(sentence, Sentence):
        return sentence
    values = {
        name: translated(said_again(each, str(each)), translate)
        for name, each in sentence.said["values"].items()
    }
    return translate(sentence.said["text"]).format(**values)
