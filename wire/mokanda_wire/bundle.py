# SPDX-License-Identifier: Apache-2.0
"""Bundles: all that one end has for the other, in one container (docs/wire.md).

A bundle is a CBOR header, the compressed text of its items, and the files that they attach.
It is sealed (mokanda_wire.envelope) before it travels, and read only after the seal was
checked; its reader still believes no size, count or reference in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Literal, NamedTuple, get_args, overload

import cbor2

from mokanda_wire import codec, formats
from mokanda_wire.bisection import PLAIN, PRIMED
from mokanda_wire.history import START, Generation, History, HistoryError, Record
from mokanda_wire.items import (
    Blocked,
    ContentRequest,
    ContentRequestKind,
    Denial,
    Event,
    EventKind,
    File,
    Filter,
    Grant,
    Item,
    ItemsError,
    Mail,
    Report,
    Residents,
    Stub,
    Unknown,
    files_of,
)
from mokanda_wire.message import digest_of
from mokanda_wire.protocol import HistoryTip
from mokanda_wire.reader import Reader
from mokanda_wire.writer import Writer

__all__ = [
    "BOARD",
    "Blocked",
    "Bundle",
    "BundleError",
    "ContentRequest",
    "ContentRequestKind",
    "Decoded",
    "Denial",
    "Direction",
    "Encoded",
    "Event",
    "EventKind",
    "Filter",
    "Grant",
    "HistoryUnknownError",
    "Item",
    "Limits",
    "Mail",
    "Report",
    "Residents",
    "Stub",
    "Unknown",
    "decode",
    "encode",
]

_MAX_HEADER = 128 * 1024  # bytes

Direction = Literal["up", "down"]


class BundleError(ValueError):
    """A bundle is refused; the message is the reason, for the log."""


class HistoryUnknownError(BundleError):
    """A bundle is primed with a history that this end does not hold."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What travels: `sequence` counts from 1 in each direction; `contents` are by digest.

    A file that an item names and whose content is not in `contents` is one that the other end
    holds.
    """

    device: str
    direction: Direction
    sequence: int
    created: datetime
    items: tuple[Item, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)


class Limits(NamedTuple):
    """What a reader takes, checked before memory is spent. Sizes in bytes, in all.

    `parts` are mailboxes, references, attachments and unknown fields.
    """

    text: int = 16 * 1024 * 1024
    files: int = 64 * 1024 * 1024
    file_count: int = 4096
    items: int = 20_000
    parts: int = 200_000


LIMITS = Limits()  # of a relay, whose devices may be older
# Of a board, whose courier has 128 MB for all that it does; neither end writes more.
BOARD = Limits(
    text=4 * 1024 * 1024, files=16 * 1024 * 1024, file_count=1000, items=5000, parts=50_000
)
_MAX_PLAIN = 1024 * 1024  # bytes of text that go as they are; any one letter has less


class Encoded(NamedTuple):
    """An encoded bundle, not yet sealed, in a `format`, and its history record.

    `record` is what History.append takes once the other end has applied the bundle: the
    sender keeps it beside the frozen bundle until then. `costs` tells for each item how many
    bytes of `data` it accounts for, its files among them. `tickets` name the mails and stubs, in
    their order, as the reader will in a content request.
    """

    data: bytes
    format: int
    record: bytes
    costs: tuple[int, ...]
    tickets: tuple[str, ...]


class Decoded(NamedTuple):
    """A bundle that was read, and its history record, to be appended when it is applied.

    The mails in it have Message-IDs of this end's making, unless they were known here. `costs`
    is as in Encoded if it was asked for.
    """

    bundle: Bundle
    record: bytes
    costs: tuple[int, ...] = ()


class _Header(NamedTuple):
    """What a bundle starts with: a CBOR array of these."""

    format: int
    direction: Direction
    device: str
    sequence: int
    created: int  # seconds since 1970
    history_end: int
    history_digest: bytes
    text_how: int
    text_size: int
    text_check: bytes  # the first bytes of the text's SHA-256
    files: list[list[int]]  # how, size, stored size


def encode(
    bundle: Bundle, history: History, *, bundle_format: int, caution: int = PRIMED
) -> Encoded:
    """Write a bundle, its text primed with the end of `history`, if a reader can then read it.

    Args:
        bundle: what it is to hold.
        history: as both ends know it.
        bundle_format: the newest that its reader knows and we do (mokanda_wire.formats.common).
        caution: for a reader who could not read it otherwise: UNPRIMED, or PLAIN, not even
            compressed (mokanda_wire.bisection).

    Raises:
        BundleError: there is more in it than a board takes, or more that goes uncompressed than
            anybody should pay for.
    """
    # Its reader knows no parts of a second, in which dates would go astray.
    bundle = replace(bundle, created=bundle.created.replace(microsecond=0))
    encoded = None
    if caution == PRIMED:
        encoded = _encode(bundle, history, history.generation(history.tip), bundle_format)
    return encoded or _encode(
        bundle, history, history.generation(START), bundle_format, last=True, plain=caution == PLAIN
    )


@overload
def _encode(
    bundle: Bundle, history: History, generation: Generation, bundle_format: int
) -> Encoded | None: ...
@overload
def _encode(
    bundle: Bundle,
    history: History,
    generation: Generation,
    bundle_format: int,
    *,
    last: Literal[True],
    plain: bool,
) -> Encoded: ...
def _encode(
    bundle: Bundle,
    history: History,
    generation: Generation,
    bundle_format: int,
    *,
    last: bool = False,
    plain: bool = False,
) -> Encoded | None:
    """Write a bundle primed with `generation`, or all in it `plain`, as it is.

    None if what comes out cannot be read; if it is the `last` try, the text stays as it is then.
    """
    writer = Writer(bundle.created, history, generation, bundle_format)
    mentioned = (digest for item in bundle.items for digest in files_of(item))
    digests = [digest for digest in dict.fromkeys(mentioned) if digest in bundle.contents]
    digests += sorted(bundle.contents.keys() - set(digests))
    files = {
        digest: File(index, digest, len(bundle.contents[digest]))
        for index, digest in enumerate(digests)
    }
    try:
        for item in bundle.items:
            writer.write(item, files)
    except ItemsError as error:
        raise BundleError(str(error)) from error
    table, in_text, stored = [], [], []
    for digest in digests:
        content = bundle.contents[digest]
        how, data = (codec.FILE_STORED, content) if plain else codec.compress_file(content)
        table.append([how, len(content), len(data)])
        in_text.append(content if how == codec.FILE_IN_TEXT else b"")
        stored.append(data)
    pieces = [*writer.pieces(), *in_text]
    text = b"".join(pieces)
    _check(len(text) <= BOARD.text, "text")
    _check(sum(size for _, size, _ in table) <= BOARD.files, "files")
    _check(len(table) <= BOARD.file_count, "files")
    reader = Reader(bundle.created, history, generation, b"", bundle_format)
    _check_items(writer.pieces(), list(files.values()), reader)
    how, compressed, sizes = codec.TEXT_STORED, text, [len(piece) for piece in pieces]
    if not plain:
        how, compressed, sizes = codec.compress_text(pieces, generation.primer, bundle_format)
    if not codec.survives(how, compressed, text, generation.primer):
        if not last:
            return None
        how, compressed, sizes = codec.TEXT_STORED, text, [len(piece) for piece in pieces]
    _check(how != codec.TEXT_STORED or len(text) <= _MAX_PLAIN, "text that is not compressed")
    header = _Header(
        format=bundle_format,
        direction=bundle.direction,
        device=bundle.device,
        sequence=bundle.sequence,
        created=int(bundle.created.timestamp()),
        history_end=generation.tip.end,
        history_digest=generation.tip.digest,
        text_how=how,
        text_size=len(text),
        text_check=sha256(text).digest()[:8],
        files=table,
    )
    data = b"".join((cbor2.dumps(list(header)), compressed, *stored))
    seed = sha256(data).digest()
    costs = _costs(bundle.items, sizes, digests, [size for _, _, size in table])
    record = Record(text, writer.ids(seed)).dump()
    return Encoded(data, bundle_format, record, costs, writer.tickets(seed))


def decoded_size(data: bytes) -> int:
    """How many bytes of text and files a bundle says that it becomes; `decode` takes no more.

    Raises:
        BundleError: it has no header, or one of a format that is not known.
    """
    header, _ = _read_header(data)
    return header.text_size + sum(size for _, size, _ in header.files)


def decode(
    data: bytes, history: History, limits: Limits = LIMITS, *, measured: bool = False
) -> Decoded:
    """Read a bundle; if it is to be `measured`, tell what each item costs in it.

    Raises:
        HistoryUnknownError: it is primed with what `history` does not hold.
        BundleError: it is damaged, of a format that is not known, or beyond the limits.
    """
    header, body = _read_header(data)
    try:
        generation = history.generation(HistoryTip(header.history_end, header.history_digest))
    except HistoryError as error:
        raise HistoryUnknownError(str(error)) from error
    _check(header.text_size <= limits.text, "text")
    _check(len(header.files) <= limits.file_count, "files")
    _check(sum(size for _, size, _ in header.files) <= limits.files, "files")
    compressed = len(body) - sum(stored for _, _, stored in header.files)
    behind = sum(size for how, size, _ in header.files if how == codec.FILE_IN_TEXT)
    if compressed < 0 or behind > header.text_size:
        raise BundleError("The header of the bundle is damaged.")
    try:
        created = datetime.fromtimestamp(header.created, UTC)
        text = codec.decompress_text(
            header.text_how, bytes(body[:compressed]), header.text_size, generation.primer
        )
        if sha256(text).digest()[:8] != header.text_check:
            raise BundleError("The text is not what was sent.")
        end = header.text_size - behind
        contents = _contents(header.files, body[compressed:], text[end:])
        files = [File(index, digest_of(each), len(each)) for index, each in enumerate(contents)]
        seed = sha256(data).digest()
        reader = Reader(created, history, generation, seed, header.format)
        items = reader.read(
            text[:end].decode(),
            files,
            max_items=limits.items,
            max_text=limits.text,
            max_parts=limits.parts,
        )
    except BundleError:
        raise
    except (ValueError, OSError, OverflowError) as error:  # all that is said of damage below
        raise BundleError(str(error)) from error
    bundle = Bundle(
        device=header.device,
        direction=header.direction,
        sequence=header.sequence,
        created=created,
        items=tuple(items),
        contents={file.digest: content for file, content in zip(files, contents, strict=True)},
    )
    record = Record(text, tuple(reader.ids)).dump()
    if not measured:
        return Decoded(bundle, record)
    in_text = [
        content if how == codec.FILE_IN_TEXT else b""
        for content, (how, _, _) in zip(contents, header.files, strict=True)
    ]
    pieces = [*reader.pieces(), *in_text]
    sizes = codec.compress_text(pieces, generation.primer, header.format)[2]
    digests = [file.digest for file in files]
    costs = _costs(items, sizes, digests, [size for _, _, size in header.files])
    return Decoded(bundle, record, costs)


def _check_items(pieces: Sequence[bytes], files: Sequence[File], reader: Reader) -> None:
    """Read what was written as its reader will: nothing goes that is refused there."""
    text = b"".join(pieces).decode()
    try:
        read = reader.read(
            text, files, max_items=BOARD.items, max_text=BOARD.text, max_parts=BOARD.parts
        )
    except ItemsError as error:
        raise BundleError(str(error)) from error
    _check(len(read) == len(pieces), "items")


def _costs(
    items: Sequence[Item], sizes: Sequence[int], digests: Sequence[str], stored: Sequence[int]
) -> tuple[int, ...]:
    """Charge each item with its text, and with the files that it is the first to mention.

    `sizes` are of the compressed text: of each item, then of each file kept in it; `stored` of
    the files kept apart.
    """
    in_text = sizes[len(items) :]
    files = {digest: a + b for digest, a, b in zip(digests, in_text, stored, strict=True)}
    costs = []
    for item, size in zip(items, sizes, strict=False):
        costs.append(size + sum(files.pop(digest, 0) for digest in files_of(item)))
    return tuple(costs)


class _Head(BytesIO):
    """Where a header is read from: none has a string of which so much is asked for at once.

    cbor2 5.6.5, of Debian 13, takes a longer one in pieces of 64 KB, and writes beyond its memory
    where the second is cut.
    """

    _MAX_READ = 32 * 1024  # bytes

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= self._MAX_READ:
            raise ValueError("No header has so long a string.")
        return super().read(size)


def _read_header(data: bytes) -> tuple[_Header, memoryview]:
    """Take the header off; its fields are of the right types after this."""
    stream = _Head(data[:_MAX_HEADER])
    try:
        values = cbor2.CBORDecoder(stream).decode()
    except Exception as error:
        raise BundleError("The bundle has no header.") from error
    if not isinstance(values, list) or not values:
        raise BundleError("The bundle has no header.")
    known = range(formats.OLDEST_FORMAT, formats.FORMAT + 1)
    if type(values[0]) is not int or values[0] not in known:
        raise BundleError(
            f"The bundle is of format {values[0]!r}; known here are {known[0]} to {known[-1]}."
        )
    kinds = [int, str, str, int, int, int, bytes, int, int, bytes, list]
    if values[0] >= formats.EXTENSIBLE:
        values = values[: len(kinds)]
    sound = [type(value) for value in values] == kinds and values[1] in get_args(Direction)
    if sound:
        numbers = [value for value in values if type(value) is int]
        for row in values[-1]:
            sound = sound and isinstance(row, list) and len(row) == 3
            numbers += row if sound else []
        sound = sound and all(type(number) is int and 0 <= number < 2**48 for number in numbers)
    if not sound:
        raise BundleError("The header of the bundle is damaged.")
    return _Header(*values), memoryview(data)[stream.tell() :]


def _contents(table: list[list[int]], stored: memoryview, text: bytes) -> list[bytes]:
    """The files; those kept in the text are `text`."""
    in_text, contents = memoryview(text), []
    for how, size, stored_size in table:
        if how == codec.FILE_IN_TEXT:
            contents.append(bytes(in_text[:size]))
            in_text = in_text[size:]
        else:
            contents.append(codec.decompress_file(how, bytes(stored[:stored_size]), size))
        stored = stored[stored_size:]
    return contents


def _check(fits: bool, what: str) -> None:
    if not fits:
        raise BundleError(f"There is too much in the bundle: {what}.")
