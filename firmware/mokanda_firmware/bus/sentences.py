# SPDX-License-Identifier: Apache-2.0
"""What the daemons say to people, in English for their logs, and in the language of who reads it.

A daemon hands on what a sentence is made of: a text of the catalogues, and the values that fill it
in. The webmail puts it together again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeAlias

Value: TypeAlias = "str | int | Sentence"


class Sentence:
    """A whole sentence, or a few; `str()` is its English.

    Its text is collected for the catalogues where it is made, so it is a literal there. What the
    system or another end has said, in whatever language, is a value with words around it.
    """

    __slots__ = ("text", "values")

    def __init__(self, text: str, /, **values: Value) -> None:
        """Take `text`, whose {blanks} the values fill.

        Raises:
            LookupError, ValueError: a blank has no value, or the text is damaged.
        """
        self.text = text
        self.values = values
        str(self)

    def __str__(self) -> str:
        return self.translated(lambda text: text)

    def __repr__(self) -> str:
        return f"Sentence({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sentence):
            return NotImplemented
        return (self.text, self.values) == (other.text, other.values)

    def __hash__(self) -> int:
        return hash(str(self))

    def translated(self, translate: Callable[[str], str]) -> str:
        """Say it in another language, by what looks texts up in its catalogue."""
        values = {
            name: value.translated(translate) if isinstance(value, Sentence) else value
            for name, value in self.values.items()
        }
        return translate(self.text).format(**values)

    def to_json(self) -> dict[str, Any]:
        """Return what it is made of as `json.dumps` takes it."""
        values = {
            name: value.to_json() if isinstance(value, Sentence) else value
            for name, value in self.values.items()
        }
        return {"text": self.text, "values": values}

    @classmethod
    def from_json(cls, content: object) -> Self | None:
        """Make it of what `to_json` returned; None if that says nothing."""
        if not isinstance(content, Mapping) or not isinstance(content.get("text"), str):
            return None
        given = content.get("values")
        values: dict[str, Value] = {}
        for name, value in given.items() if isinstance(given, Mapping) else ():
            values[name] = value if isinstance(value, str | int) else cls.from_json(value) or ""
        try:
            return cls(content["text"], **values)  # type: ignore[misc]  # its maker had a literal
        except (AttributeError, LookupError, TypeError, ValueError):
            return None


def as_it_is(text: str) -> Sentence:
    """Make a sentence of what was kept as plain text, which nobody can translate any more."""
    verbatim = "{text}"
    return Sentence(verbatim, text=text)  # type: ignore[misc]  # the value alone


class SentenceError(Exception):
    """Something did not work; `sentence` tells people what, and what to do."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence
