# SPDX-License-Identifier: Apache-2.0
"""A recipe's TOML, read key by key: what is missing, of another type or unknown is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_KINDS: dict[type, str] = {
    str: "a string",
    int: "a number",
    list: "a list of strings",
    dict: "a table",
}


class RecipeError(ValueError):
    """A recipe that cannot be followed; the text says which file and why."""


class Table:
    """A table whose keys are taken out one by one, until `end`."""

    def __init__(self, where: str, content: dict[str, Any]) -> None:
        """`where` is what complaints begin with."""
        self.where = where
        self._content = content

    def text(self, key: str, *, may_be_empty: bool = False) -> str:
        """A string."""
        value = self._take(key, str)
        if not value and not may_be_empty:
            raise RecipeError(f"{self.where}: {key} is empty")
        return value

    def one_of(self, key: str, choices: Sequence[str]) -> str:
        """One of some words."""
        value = self.text(key)
        if value not in choices:
            raise RecipeError(f"{self.where}: {key} must be one of: {', '.join(choices)}")
        return value

    def number(self, key: str) -> int:
        """A number that is not negative."""
        value = self._take(key, int)
        if isinstance(value, bool) or value < 0:
            raise RecipeError(f"{self.where}: {key} must be a number, 0 or more")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings, which may be left out."""
        value = self._take(key, list, [])
        if not all(isinstance(item, str) for item in value):
            raise RecipeError(f"{self.where}: {key} must be a list of strings")
        return tuple(value)

    def table(self, key: str) -> Table:
        """A table within, which may be left out."""
        return Table(f"{self.where}: [{key}]", self._take(key, dict, {}))

    def rest(self) -> list[str]:
        """Keys that nobody has taken, in the file's order."""
        return list(self._content)

    def end(self) -> None:
        """Refuse what nobody has taken."""
        for key in self._content:
            raise RecipeError(f"{self.where} has no key {key!r}")

    def _take(self, key: str, kind: type[T], default: T | None = None) -> T:
        value = self._content.pop(key, default)
        if value is None:
            raise RecipeError(f"{self.where}: {key} is missing")
        if not isinstance(value, kind):
            raise RecipeError(f"{self.where}: {key} must be {_KINDS[kind]}")
        return value


def read(path: Path) -> Table:
    """A recipe's file as a table."""
    try:
        return Table(path.name, tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path.name}: {error}") from error
