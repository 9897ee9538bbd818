# SPDX-License-Identifier: Apache-2.0
"""What a phone sends with a form, read in bounded memory, its files straight into the store.

Nothing that was typed is thrown away: a form whose files are too large, whose files find no room or
whose connection breaks is read as far as it goes, and says what is wrong with it.
"""

import contextlib
import gc
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, BinaryIO

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from mokanda_firmware.mailbox.store.attachments import Incoming
from mokanda_firmware.mailbox.store.database import Store, StoreBusy, StoreUnfit
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.numbers import number
from mokanda_wire.message import Attachment
from mokanda_wire.text import safe_file_name

# Of all fields together: what most pages take, and a letter; a book of 300 pages has less.
SHORT = 32_000  # bytes
LONG = 1_000_000  # bytes
MAX_FIELDS = 200
MAX_FILES = 100  # of a letter
_CHUNK = 65536
# What is made of a form, with the page that gives it back, may have fifty times its size: of forms
# with more than this, one is worked on at a time.
_LARGE = 16_000  # bytes
_TURN_SECONDS = 20.0
_one_at_a_time = threading.Lock()
# What is read to the end although it is too large: a browser shows an answer only when it has sent
# its form, and most phones' videos are smaller than this.
_MAX_DRAINED_BYTES = 64_000_000

_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")
NO_DAY = N_("A day looks like this: 2026-11-29")

TOO_LARGE = "too large"  # of files
TOO_LONG = "too long"  # of fields
TOO_MANY = "too many"  # of files
NAME_TOO_LONG = "name too long"  # of a file
NO_ROOM = "no room"
CUT = "cut"
MALFORMED = "malformed"


class Form:
    """The fields and files of a form; `problem` is "" or one of the words above.

    `passed_over` says whether there were files that could not be taken.
    """

    def __init__(self) -> None:
        self.files: list[Attachment] = []
        self.problem = ""
        self.passed_over = False
        self.size = 0  # of all fields, in bytes
        self._fields: dict[str, list[bytes]] = {}
        self._texts: dict[str, list[str]] = {}

    def __getitem__(self, name: str) -> str:
        """Return the first value of a field, "" when there is none; lines end in LF."""
        return next(iter(self.all(name)), "")

    def __contains__(self, name: str) -> bool:
        """Whether a field was sent, even an empty one."""
        return name in self._fields

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        if name in self._fields and name not in self._texts:
            self._texts[name] = [_text(value) for value in self._fields[name]]
        return self._texts.get(name, [])

    def number(self, name: str) -> int | None:
        """Return a field that is a number of the store, None when it is none."""
        return number(self[name])

    def numbers(self, name: str) -> list[int]:
        """Return every value of a field that is a number of the store."""
        found = (number(value) for value in self.all(name))
        return [value for value in found if value is not None]

    def add(self, name: str, value: bytes) -> None:
        """Add a value as a browser sent it."""
        self._fields.setdefault(name, []).append(value)
        self._texts.pop(name, None)
        self.size += len(value)


_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CONTROLS = {code: "\ufffd" for code in (*range(32), 127) if chr(code) not in "\t\n\r"}


def _text(value: bytes) -> str:
    # Neither regular expressions nor `split`: a string for each character would be 60 MB.
    text = value.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_CONTROLS)


class Turns:
    """Has forms wait for each other, so that what is made of them has room in the memory."""

    def __init__(self) -> None:
        self._large = threading.Lock()

    @contextlib.contextmanager
    def turn(self, form: Form) -> Iterator[None]:
        """Let a form be worked on in this block: at once, or when no other large one is.

        Raises:
            StoreBusy: others have been worked on for too long.
        """
        if form.size <= _LARGE:
            yield
        elif not self._large.acquire(timeout=_TURN_SECONDS):
            raise StoreBusy("other large forms are being worked on")
        else:
            try:
                yield
            finally:
                gc.collect()  # a template's values are in a circle
                self._large.release()


def start_of_day(text: str, days: int = 0, zone: tzinfo | None = UTC) -> int | None:
    """Read a day, and return the start of the one `days` later.

    As a browser writes it, or who types it into one that knows no days. In seconds since 1970; None
    when it is none. A `zone` of None is the device's own.
    """
    for form in _DAYS:
        with contextlib.suppress(ValueError, OverflowError):
            day = datetime.strptime(text.strip(), form) + timedelta(days=days)  # noqa: DTZ007
            return int((day.replace(tzinfo=zone) if zone else day.astimezone()).timestamp())
    return None


def read(
    environ: Mapping[str, Any],
    store: Store,
    limit: int,
    takes_files: Callable[[Form], bool] = lambda _: False,
    text_limit: int = SHORT,
) -> Form:
    """Read the form of a request, `text_limit` bytes of its fields at most.

    Files are kept, `limit` bytes of them at most, when `takes_files` says so of the fields
    before them; others are passed over.
    """
    form = Form()
    media_type, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    body = _Body(environ)
    try:
        if media_type == "multipart/form-data":
            boundary = options.get("boundary", "")
            _read_multipart(form, body, boundary, store, limit, takes_files, text_limit)
        else:
            _read_urlencoded(form, body, text_limit)
    except ParserLimitReached:
        form.problem = form.problem or NAME_TOO_LONG
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


def _read_urlencoded(form: Form, body: _Body, text_limit: int) -> None:
    text = bytearray()
    for piece in body:
        text += piece
        if len(text) > text_limit:
            del text[text_limit:]
            form.problem = TOO_LONG
            break
    with _one_at_a_time:  # for it takes thrice the memory for a moment
        fields = text.split(b"&", MAX_FIELDS)
        if len(fields) > MAX_FIELDS:
            form.problem = form.problem or MALFORMED
        for field in fields[:MAX_FIELDS]:
            name, _, value = field.partition(b"=")
            if name:
                form.add(_text(_unquoted(name)), _unquoted(value))


_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def _unquoted(value: bytearray) -> bytes:
    """Decode a value or a name, piece by piece: what is made of each escape takes memory."""
    plain = bytearray()
    start = 0
    while start < len(value):
        end = start + _CHUNK
        escape = value.rfind(b"%", end - 2, end)
        end = escape if escape > start else end
        piece = value[start:end].replace(b"+", b" ")
        plain += _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), piece)
        start = end
    return bytes(plain)


def _read_multipart(
    form: Form,
    body: _Body,
    boundary: str,
    store: Store,
    limit: int,
    takes_files: Callable[[Form], bool],
    text_limit: int,
) -> None:
    parser = PushMultipartParser(boundary)
    events = (event for piece in body for event in parser.parse(piece))
    text_room = text_limit
    segments = (event for event in events if isinstance(event, MultipartSegment))
    for place, segment in enumerate(segments):
        if place == MAX_FIELDS + MAX_FILES:
            raise ValueError("no page has so many fields")
        if segment.filename is None:
            value = bytearray()
            # One field that is too long leaves room for the others.
            room = text_room if (segment.name or "") == "text" else min(text_room, SHORT)
            for piece in _pieces(events):
                kept = piece[: room - len(value)]
                value += kept
                if len(kept) < len(piece):
                    form.problem = TOO_LONG
            text_room -= len(value)
            form.add(segment.name or "", bytes(value))
        elif form.problem or not takes_files(form):
            form.passed_over |= bool(segment.filename)
            for _ in _pieces(events):
                pass
        elif segment.filename and len(form.files) == MAX_FILES:
            form.problem = TOO_MANY
            return
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
