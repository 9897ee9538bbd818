# SPDX-License-Identifier: Apache-2.0
"""Records as JSON, for what one process of the device writes and another reads.

A reader skips fields that it does not know, and one that is not there has its default: the other
may be of another version.
"""

import json
import types
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from mokanda_firmware.bus.sentences import Sentence

T = TypeVar("T")


def dump(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any record
    """Return the fields of a NamedTuple or dataclass as `json.dumps` takes them."""
    return {name: _plain(getattr(record, name)) for name in _names(type(record))}


def load(kind: type[T], content: object) -> T:
    """Make a record of what `dump` returned.

    Raises:
        ValueError: a value is not of its field's type, or a field without default is missing.
    """
    if not isinstance(content, dict):
        raise ValueError(f"{kind.__name__} is no object")
    values = {
        name: _checked(hint, content[name])
        for name, hint in _hints(cast(type, kind)).items()
        if name in content
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error


def read_json(path: Path, most: int) -> object:
    """Return what stands in a file as JSON, of which `most` bytes are looked at.

    None where that cannot be read: it is not there, damaged, or longer.
    """
    try:
        with path.open("rb") as file:
            content: object = json.loads(file.read(most))
    except (OSError, ValueError, RecursionError):
        return None
    return content


def read(kind: type[T], path: Path, most: int) -> T | None:
    """Return the record that stands in a file; None as with `read_json`, or if it is another."""
    try:
        return load(kind, read_json(path, most))
    except (ValueError, RecursionError):
        return None


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in _names(kind)}


def _names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - a type
    return kind._fields if hasattr(kind, "_fields") else tuple(each.name for each in fields(kind))


def _is_record(kind: Any) -> bool:  # noqa: ANN401 - a type, or a type hint
    return isinstance(kind, type) and (hasattr(kind, "_fields") or is_dataclass(kind))


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Sentence):
        return value.to_json()
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if _is_record(type(value)):
        return dump(value)
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _checked(hint: Any, value: object) -> object:  # noqa: ANN401 - a type hint
    if get_origin(hint) is types.UnionType:
        if value is None:
            return None
        [hint] = (each for each in get_args(hint) if each is not types.NoneType)
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_checked(get_args(hint)[0], each) for each in value)
    if _is_record(hint):
        return load(hint, value)
    if hint is Sentence:
        value = Sentence.from_json(value)
    if isinstance(value, str):
        if issubclass(hint, StrEnum):
            return hint(value)
        if hint is datetime:
            return datetime.fromisoformat(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{value!r} is not of type {hint.__name__}")
    return value
