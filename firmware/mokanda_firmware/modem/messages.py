# SPDX-License-Identifier: Apache-2.0
"""Text messages that came for the SIM card, kept for the keeper: networks tell credit by them."""

import contextlib
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from typing import Final

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_wire import durable

MOST_KEPT: Final = 100
_MAX_BYTES = 1_000_000  # of what is kept
_MAX_PARTS = 20
_PHONE: Final = re.compile(r"\+?\d{7,}")


@dataclass(frozen=True, slots=True)
class Part:
    """A message, or the part `number` of `total` of one; `reference` is what its parts share."""

    sender: str
    sent: datetime | None  # by the centre's clock
    text: str
    reference: int | None = None
    total: int = 1
    number: int = 1

    @property
    def is_of_network(self) -> bool:
        """Whether a name or a short number has sent it, as networks do, and no phone."""
        return _is_of_network(self.sender)


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `parts` are those of its texts that have come, "" for one that has not."""

    sender: str
    sent: datetime | None
    parts: tuple[str, ...]
    reference: int | None = None

    @property
    def text(self) -> str:
        """The whole text, with an ellipsis where a part is missing."""
        return "".join(part or "…" for part in self.parts)

    @property
    def is_of_network(self) -> bool:
        """Whether a network has sent it."""
        return _is_of_network(self.sender)


def _is_of_network(sender: str) -> bool:
    return not _PHONE.fullmatch(sender)


def read() -> list[Message]:
    """Return the messages that are kept, the newest first."""
    content = records.read_json(paths.messages(), _MAX_BYTES)
    with contextlib.suppress(ValueError):
        if isinstance(content, list):
            return [records.load(Message, each) for each in content[:MOST_KEPT]]
    return []


def add(parts: list[Part]) -> None:
    """Keep what has come, once, each part with its others. Raises OSError."""
    messages = read()
    for part in parts:
        messages = _with(messages, part)
    durable.write(paths.messages(), _within_bounds(messages))


def _within_bounds(messages: list[Message]) -> bytes:
    """Return as many of the newest as `read` takes."""
    kept = [json.dumps(records.dump(each)) for each in messages[:MOST_KEPT]]
    sizes = accumulate(len(each) + 2 for each in kept)
    return f"[{', '.join(kept[: sum(size < _MAX_BYTES for size in sizes)])}]".encode()


def _with(messages: list[Message], part: Part) -> list[Message]:
    total = min(part.total, _MAX_PARTS)
    if part.number > total:
        return messages
    for index, message in enumerate(messages):
        if _belongs(message, part, total):
            texts = list(message.parts)
            texts[part.number - 1] = part.text
            whole = replace(message, parts=tuple(texts))
            return [*messages[:index], whole, *messages[index + 1 :]]
    texts = [""] * total
    texts[part.number - 1] = part.text
    return [Message(part.sender, part.sent, tuple(texts), part.reference), *messages]


def _belongs(message: Message, part: Part, total: int) -> bool:
    """Whether it is a part that is missing in this message, or one that it has already."""
    if message.sender != part.sender or len(message.parts) != total:
        return False
    there = message.parts[part.number - 1]
    if part.reference is None:
        return there == part.text and message.sent == part.sent
    return message.reference == part.reference and there in ("", part.text)
