# SPDX-License-Identifier: Apache-2.0
"""A reading: what was made of a mail when it was taken apart, in one blob.

Its head is a length and JSON; the contents of the mail's files follow, one after the other. Who
plans a bundle looks at the head; a file is read when it goes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from mokanda_relay.mime.bounces import Failure
from mokanda_relay.mime.lists import Listing
from mokanda_wire.message import EPOCH, Attachment, Mailbox, Message

VERSION = 6  # one more, when mail that waits is to be read anew
MAX_HEAD = 4 * 1024 * 1024  # bytes

PHOTO, VOICE = "photo", "voice"

_LENGTH = 4  # bytes
_AMR = b"#!AMR"  # what simple phones record
# Of pictures that phones show, or are shown by a smaller one.
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


NO_LIST = Listing()


class ReadingError(ValueError):
    """The blob is no reading, or of a version that is not known any more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the content of a file stands in the blob, and whether it is a PHOTO or a VOICE."""

    at: int
    size: int
    kind: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A mail that was read: a long text is shortened, its date may be missing.

    Attributes:
        places: by the digests of those files whose contents are there.
        failures: of which mail of ours it is a bounce.
        listing: what it says of the list that it came by.
    """

    message: Message
    places: Mapping[str, Place]
    failures: tuple[Failure, ...] = ()
    listing: Listing = NO_LIST

    def dated(self, received: dt.datetime) -> Message:
        """The mail, dated by its arrival if it has no date of its own."""
        return self.message if self.message.date != EPOCH else self.message._replace(date=received)


def write(
    message: Message,
    contents: Mapping[str, bytes],
    failures: Sequence[Failure] = (),
    listing: Listing = NO_LIST,
) -> Iterator[bytes]:
    """Yield the blob; who has found no date in the mail gives the EPOCH.

    Raises:
        ValueError: it could not be loaded again.
    """
    fields = message.by_names() | {"date": int(message.date.timestamp())}
    sounds = {each.digest for each in message.attachments if each.media_type.startswith("audio/")}
    files = [
        (digest, len(content), _kind_of(content, is_sound=digest in sounds))
        for digest, content in contents.items()
    ]
    parts = {
        "message": fields,
        "files": files,
        "failures": failures,
        "listing": asdict(listing),
    }
    head = json.dumps(parts).encode()
    if len(head) > MAX_HEAD or _message(json.loads(head)["message"]) != message:
        raise ValueError("the mail cannot be kept as a reading")
    yield len(head).to_bytes(_LENGTH)
    yield head
    yield from contents.values()


def load(blob: BinaryIO) -> Reading:
    """Read the head.

    Raises:
        ReadingError: there is none, or another version's.
    """
    size = int.from_bytes(blob.read(_LENGTH))
    try:
        if size > MAX_HEAD:
            raise ValueError("too long")
        head = json.loads(blob.read(size))
        at, places = _LENGTH + size, {}
        for digest, length, kind in head["files"]:
            places[str(digest)] = Place(at, int(length), str(kind))
            at += int(length)
        failures = tuple(Failure(*map(str, each)) for each in head.get("failures", ()))
        listing = Listing(**head.get("listing", {}))
        return Reading(_message(head["message"]), places, failures, listing)
    except (ValueError, TypeError, KeyError, OverflowError, OSError) as error:
        raise ReadingError(str(error)) from error


def _kind_of(content: bytes, *, is_sound: bool) -> str:
    if is_photo(content):
        return PHOTO
    return VOICE if is_sound or content.startswith(_AMR) else ""


def is_photo(content: bytes) -> bool:
    """Whether a file is a picture that phones take for a photo, whatever it is called."""
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    heif = content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS
    return webp or heif or content.startswith(_BEGINNINGS)


def _message(fields: dict[str, Any]) -> Message:
    boxes = {
        name: tuple(Mailbox(**each) for each in fields[name]) for name in ("to", "cc", "reply_to")
    }
    own = {
        "date": dt.datetime.fromtimestamp(fields["date"], dt.UTC),
        "sender": Mailbox(**fields["sender"]),
        "references": tuple(fields["references"]),
        "attachments": tuple(Attachment(**each) for each in fields["attachments"]),
    }
    return Message(**(fields | boxes | own))
