# SPDX-License-Identifier: Apache-2.0
"""Text messages that came for the SIM card, kept for the keeper: networks tell credit by them."""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_wire import durable
from mokanda_wire.text import without_invisible

MOST_KEPT: Final = 50  # of the network's, and of all others: nobody's flood drives those out
_MAX_BYTES = 1_000_000  # of what is kept
_MAX_PARTS = 20
_TOGETHER: Final = timedelta(minutes=5)  # in which the centre gets the parts of one message
_SHORT: Final = re.compile(r"\d{2,6}", re.ASCII)


class Part(NamedTuple):
    """A message, or the part `number` of `total` of one; `reference` is what its parts share."""

    sender: str
    sent: datetime | None  # by the centre's clock; without a zone where that is not told
    text: str
    reference: int | None = None
    total: int = 1
    number: int = 1
    of_network: bool = False


class Message(NamedTuple):
    """A message; `parts` are those of its texts that have come, "" for one that has not.

    `sent` is of the part that came first.
    """

    sender: str
    sent: datetime | None
    parts: tuple[str, ...]
    reference: int | None = None
    of_network: bool = False

    @property
    def text(self) -> str:
        """The whole text, with an ellipsis where a part is missing."""
        return "".join(part or "…" for part in self.parts)


def visible(text: str) -> str:
    """Leave out what nobody sees or what turns the writing round; lines end in LF."""
    text = without_invisible(text).replace("\r\n", "\n").replace("\r", "\n")
    blanks = re.sub(r"[^\S\n]", " ", text)
    return "".join(each for each in blanks if each == "\n" or each.isprintable())


def is_of_network(sender: str, names: Iterable[str]) -> bool:
    """Whether a short number has sent it, or it comes under one of the network's names.

    Every other name is that of a company which sends in bulk, and may be anybody's.
    """
    return bool(_SHORT.fullmatch(sender)) or is_under(sender, names)


def is_under(sender: str, names: Iterable[str]) -> bool:
    """Whether it comes under one of these names or numbers, and not under one that has it in it."""
    return _plain(sender) in {_plain(each) for each in names} - {""}


def _plain(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum() or each == "+")


def read() -> list[Message]:
    """Return the messages that are kept, the newest first."""
    content = records.read_json(paths.messages(), _MAX_BYTES)
    with contextlib.suppress(ValueError):
        if isinstance(content, list):
            return [records.load(Message, each) for each in content[: 2 * MOST_KEPT]]
    return []


def add(parts: list[Part]) -> list[Message]:
    """Keep what has come, once, each part with its others. Return what is new. Raises OSError."""
    before = read()
    messages = before
    for part in parts:
        messages = _with(messages, part)
    new = [each for each in messages if each not in before]
    if new:
        durable.write(paths.messages(), _within_bounds(messages))
    return new


def _within_bounds(messages: list[Message]) -> bytes:
    """Return as many of the newest as `read` takes."""
    room = Counter({True: MOST_KEPT, False: MOST_KEPT})
    newest = []
    for each in messages:
        room[each.of_network] -= 1
        if room[each.of_network] >= 0:
            newest.append(json.dumps(records.dump(each)))
    sizes = accumulate(len(each) + 2 for each in newest)
    return f"[{', '.join(newest[: sum(size < _MAX_BYTES for size in sizes)])}]".encode()


def _with(messages: list[Message], part: Part) -> list[Message]:
    total = min(part.total, _MAX_PARTS)
    if part.number > total:
        return messages
    for index, message in enumerate(messages):
        if _belongs(message, part, total):
            texts = list(message.parts)
            texts[part.number - 1] = part.text
            whole = message._replace(parts=tuple(texts))
            return [*messages[:index], whole, *messages[index + 1 :]]
    texts = [""] * total
    texts[part.number - 1] = part.text
    first = Message(part.sender, part.sent, tuple(texts), part.reference, part.of_network)
    return [first, *messages]


def _belongs(message: Message, part: Part, total: int) -> bool:
    """Whether it is a part that is missing in this message, or one that it has already.

    Senders use a reference again: only what was sent at about the same time is of one message.
    """
    if message.sender != part.sender or len(message.parts) != total:
        return False
    there = message.parts[part.number - 1]
    if part.reference is None:
        return there == part.text and message.sent == part.sent
    is_same = message.reference == part.reference and there in ("", part.text)
    return is_same and (
        message.sent == part.sent
        or (
            message.sent is not None
            and part.sent is not None
            and abs(message.sent - part.sent) <= _TOGETHER
        )
    )
