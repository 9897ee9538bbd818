# SPDX-License-Identifier: Apache-2.0
"""What a phone sends with a form, read in bounded memory, its files straight into the store.

Nothing that was typed is thrown away: a form whose files are too large, whose files find no room or
whose connection breaks is read as far as it goes, and says what is wrong with it.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from mokanda_firmware.mailbox.store.attachments import Incoming
from mokanda_firmware.mailbox.store.database import Store, StoreUnfit
from mokanda_wire.message import Attachment, safe_file_name

# Of all fields together; a book of 300 pages has less.
MAX_TEXT_BYTES = 1_000_000
MAX_FIELDS = 200
_CHUNK = 65536
# What is read to the end although it is too large: a browser shows an answer only when it has sent
# its form, and most phones' videos are smaller than this.
_MAX_DRAINED_BYTES = 64_000_000

TOO_LARGE = "too large"
NO_ROOM = "no room"
NO_QUOTA = "no quota"
CUT = "cut"
MALFORMED = "malformed"


class Form:
    """The fields and files of a form; `problem` is "" or one of the words above."""

    def __init__(self) -> None:
        self.files: list[Attachment] = []
        self.problem = ""
        self._fields: dict[str, list[str]] = {}

    def __getitem__(self, name: str) -> str:
        """Return the first value of a field, "" when there is none; lines end in LF."""
        return self._fields.get(name, [""])[0]

    def __contains__(self, name: str) -> bool:
        """Whether a field was sent, even an empty one."""
        return name in self._fields

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return self._fields.get(name, [])

    def number(self, name: str) -> int | None:
        """Return a field that is a number of the store, None when it is none."""
        return number(self[name])

    def numbers(self, name: str) -> list[int]:
        """Return every value of a field that is a number of the store."""
        found = (number(value) for value in self.all(name))
        return [value for value in found if value is not None]

    def add(self, name: str, value: bytes | str) -> None:
        """Add a value as a browser sent it."""
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _NOT_TEXT.sub("\ufffd", text)
        self._fields.setdefault(name, []).append(text)


_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def number(text: str) -> int | None:
    """Read a number of the store, None when the text is none."""
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else None


def start_of_day(text: str, days: int = 0) -> int | None:
    """Read a day as a browser writes it, and return the start of the one `days` later.

    In seconds since 1970; None when it is none.
    """
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
        return int(day.timestamp())
    except (ValueError, OverflowError):
        return None


def read(
    environ: Mapping[str, Any],
    store: Store,
    limit: int,
    takes_files: Callable[[Form], bool] = lambda _: False,
) -> Form:
    """Read the form of a request.

    Files are kept, `limit` bytes of them at most, when `takes_files` says so of the fields
    before them; others are passed over.
    """
    form = Form()
    media_type, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    body = _Body(environ)
    try:
        if media_type == "multipart/form-data":
            _read_multipart(form, body, options.get("boundary", ""), store, limit, takes_files)
        else:
            text = b"".join(_at_most(MAX_TEXT_BYTES, body, form))
            fields = parse_qsl(
                text.decode("latin-1"),
                keep_blank_values=True,
                max_num_fields=MAX_FIELDS,
                errors="replace",
            )
            for name, value in fields:
                form.add(name, value)
    except (MultipartError, ValueError):
        form.problem = form.problem or MALFORMED
    except OSError:  # the phone went out of range, or waited too long
        form.problem = CUT
    if body.missing and not form.problem:
        form.problem = CUT
    body.skip()
    return form


class _Body:
    """The body of a request, piece by piece."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        length = str(environ.get("CONTENT_LENGTH") or "0")
        self.missing = int(length) if length.isdecimal() else 0
        self._stream: BinaryIO = environ["wsgi.input"]
        self._left_to_read = _MAX_DRAINED_BYTES

    def __iter__(self) -> Iterator[bytes]:
        while self.missing > 0 and self._left_to_read > 0:
            piece = self._stream.read(min(_CHUNK, self.missing))
            if not piece:
                return
            self.missing -= len(piece)
            self._left_to_read -= len(piece)
            yield piece

    def skip(self) -> None:
        """Read what is left, so that the browser comes to read the answer."""
        with contextlib.suppress(OSError):
            for _ in self:
                pass


def _at_most(limit: int, body: _Body, form: Form) -> Iterator[bytes]:
    for piece in body:
        limit -= len(piece)
        if limit < 0:
            form.problem = TOO_LARGE
            return
        yield piece


def _read_multipart(
    form: Form,
    body: _Body,
    boundary: str,
    store: Store,
    limit: int,
    takes_files: Callable[[Form], bool],
) -> None:
    parser = PushMultipartParser(boundary, max_segment_count=MAX_FIELDS)
    events = (event for piece in body for event in parser.parse(piece))
    text_room = MAX_TEXT_BYTES
    for segment in events:
        if not isinstance(segment, MultipartSegment):
            continue
        if segment.filename is None:
            value = bytearray()
            for piece in _pieces(events):
                text_room -= len(piece)
                if text_room >= 0:
                    value += piece
                else:
                    form.problem = TOO_LARGE
            form.add(segment.name or "", bytes(value))
        elif form.problem or not takes_files(form):
            for _ in _pieces(events):
                pass
        else:
            limit -= _keep_file(form, segment, _pieces(events), store, limit)
    parser.close()


def _pieces(events: Iterator[Any]) -> Iterator[bytes]:
    """Yield the content of the segment that has begun, up to its end."""
    for event in events:
        if event is None:
            return
        yield event
    raise ConnectionError("the form ends in the middle of a part")


def _keep_file(
    form: Form, segment: MultipartSegment, pieces: Iterator[bytes], store: Store, limit: int
) -> int:
    """Put one file into the store; return its size, 0 when it is not kept."""
    try:
        with store.incoming_attachment() as incoming:
            for piece in pieces:
                if incoming.size + len(piece) > limit:
                    form.problem = TOO_LARGE
                    break
                incoming.write(piece)
            else:
                return _add_file(form, segment, incoming)
    except StoreUnfit:
        form.problem = NO_ROOM
    for _ in pieces:
        pass
    return 0


def _add_file(form: Form, segment: MultipartSegment, incoming: Incoming) -> int:
    name = safe_file_name(_NOT_TEXT.sub("\ufffd", segment.filename or ""))
    if not name and not incoming.size:  # what a browser sends for a field left empty
        return 0
    media_type = segment.content_type or ""
    if not re.fullmatch(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}", media_type):
        media_type = "application/octet-stream"
    form.files.append(Attachment(name or "file", media_type, incoming.keep(), incoming.size))
    return incoming.size
