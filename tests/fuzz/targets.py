# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed: each target reads any bytes, and raises nothing but the refusals it documents."""

from __future__ import annotations

import io
import lzma
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from mokanda_firmware.backup import archive
from mokanda_firmware.backup.archive import Source
from mokanda_firmware.backup.failures import BackupError
from mokanda_firmware.updates.rebuild import rebuild
from mokanda_firmware.updates.slot import Part, Slot
from mokanda_relay.mime.parse import HEAD, attached_whole, parse
from mokanda_relay.rendering import reading
from mokanda_wire import claimfile, codec, protocol, quoting
from mokanda_wire.address import AddressError, check_local_part, parse_address
from mokanda_wire.bundle import (
    Blocked,
    Bundle,
    BundleError,
    Event,
    Filter,
    Limits,
    Mail,
    Report,
    Residents,
    decode,
    encode,
)
from mokanda_wire.claimfile import ClaimFile, ClaimFileError
from mokanda_wire.codec import CodecError
from mokanda_wire.compose import compose
from mokanda_wire.delta import DeltaError
from mokanda_wire.formats import FORMAT, OLDEST_FORMAT
from mokanda_wire.history import IDS, TEXT, History, HistoryError, Record, Row, applied
from mokanda_wire.items import ItemsError
from mokanda_wire.message import EPOCH, Attachment, Mailbox, Message, digest_of
from mokanda_wire.protocol import ProtocolError
from mokanda_wire.reader import Reader
from tests.unit.updates.a_delta import a_delta, a_slot, block, copy, text

NOW = datetime(2026, 3, 1, 2, 10, tzinfo=UTC)
LIMITS = Limits(text=200_000, files=200_000, file_count=50, items=200)
FILES = {digest_of(each): each for each in (b"Mbote na yo\n" * 20, bytes(range(256)) * 8)}
PRIMER = b"Mbote, Amina. " * 40


def _history() -> History:
    record = Record(PRIMER, (("known@example.org", "alias@example.org"),)).dump()
    return History(applied([], History().append(record)))


HISTORY = _history()


def _message() -> Message:
    return Message(
        message_id="letter@example.org",
        date=NOW - timedelta(hours=2),
        sender=Mailbox("jean@example.org", "Jean, <the> elder"),
        to=(Mailbox("amina@kimpese.example.org", "Amina"),),
        cc=(Mailbox("bako@kimpese.example.org"),),
        subject="La récolte",
        text="Bonjour Amina,\n> \n> > comment va la récolte ?\n\nJean\n",
        html="<p>Bonjour</p>",
        in_reply_to="known@example.org",
        attachments=tuple(
            Attachment(f"{digest[:4]}.txt", "text/plain", digest, len(content), "1@x")
            for digest, content in FILES.items()
        ),
    )


def _bundle() -> Bundle:
    items = (
        Residents(("amina", "bako")),
        Report({"version": "0.1.0", "free": 5, "days": [["2026-03-01", 1, 2]]}),
        Event("known@example.org", "jean@example.org", "bounced", NOW, "no such person"),
        Filter(("amina", "mama"), {"blocked": ["shop.example"], "newsletters": True}),
        Blocked({"amina": 12, "bako": 1}),
        Mail(("amina@kimpese.example.org",), _message()),
    )
    return Bundle("kimpese", "up", 1, NOW, items, FILES)


def _old_bundle() -> Bundle:
    """The items that the first format has."""
    bundle = _bundle()
    items = tuple(each for each in bundle.items if not isinstance(each, Filter | Blocked))
    return replace(bundle, items=items)


@dataclass(frozen=True)
class Target:
    """A parser: `read` may raise one of `refusals`, `seeds` are what it does read."""

    read: Callable[[bytes], Any]
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def __call__(self, data: bytes) -> None:
        """Read these bytes, one way or the other."""
        with suppress(*self.refusals):
            self.read(data)


def _items(data: bytes) -> None:
    generation = HISTORY.generation(HISTORY.tip)
    text = data.decode("utf-8", "replace")
    Reader(NOW, HISTORY, generation, b"", FORMAT).read(text, [], max_items=200, max_text=200_000)


def _messages(data: bytes) -> None:
    for kind in _KINDS:
        with suppress(ProtocolError):
            message = protocol.load(kind, data)
            assert protocol.load(kind, protocol.dump(message)) == message


def _rows(data: bytes) -> None:
    for kind in (TEXT, IDS):
        history = History([Row(kind, 1, data)])
        assert history.tip


def _record(data: bytes) -> None:
    HISTORY.append(data)


def _mail(data: bytes) -> None:
    message, contents = parse(data, NOW)
    again, _ = parse(compose(message, contents), NOW)
    assert len(again.attachments) == len(message.attachments)
    item = Mail(("amina@kimpese.example.org",), message)
    with suppress(BundleError):
        bundle = Bundle("kimpese", "down", 1, NOW, (item,), contents)
        decode(encode(bundle, HISTORY, bundle_format=FORMAT).data, HISTORY)


def _unread(data: bytes) -> None:
    message = attached_whole(data[:HEAD], digest_of(data), len(data), EPOCH)
    blob = io.BytesIO(b"".join(reading.write(message, {})))
    assert reading.load(blob).message == message


def _text(data: bytes) -> None:
    for size in (0, 1, 500, 100_000):
        with suppress(CodecError):
            text = codec.decompress_text(codec.TEXT_PPMD, data, size, PRIMER)
            assert len(text) == size


def _file(data: bytes) -> None:
    for how in (codec.FILE_STORED, codec.FILE_LZMA):
        with suppress(CodecError):
            assert len(codec.decompress_file(how, data, 1000)) == 1000


def _addresses(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with suppress(AddressError):
        assert parse_address(parse_address(text)) == parse_address(text)
    with suppress(AddressError):
        check_local_part(text)


def _backup() -> bytes:
    file = io.BytesIO()
    manifest = archive.Manifest(7, "Boende", "boende.example", "1.0.0", 1, 2, 300)
    with tempfile.NamedTemporaryFile() as store:
        store.write(PRIMER)
        store.flush()
        archive.write(file, manifest, [Source("mail.db", Path(store.name))], lambda _: None)
    return file.getvalue()


def _slot() -> tuple[BinaryIO, bytes]:
    """A slot that runs, and a delta that is made from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slot"
        blocks = a_slot(path, [PRIMER * 30, bytes(range(256)) * 9])
        made, _ = a_delta(path, [copy(path, Part(0, 96)), block(PRIMER * 31, *blocks), text(b"x")])
        return path.open("rb"), made


def _delta(data: bytes) -> None:
    with tempfile.TemporaryFile() as output:
        rebuild(io.BytesIO(data), Slot(_SLOT), output, lambda _: None)


_SLOT, _DELTA = _slot()
_KINDS = (
    protocol.Claim,
    protocol.ClaimRequest,
    protocol.ClaimReply,
    protocol.ClaimGrant,
    protocol.Hello,
    protocol.HelloReply,
    protocol.Move,
    protocol.Ack,
    protocol.Receipt,
    protocol.Refusal,
)
_SEALED = protocol.Sealed(4, 1200, b"\x01" * 32)
_HELLO = protocol.Hello("kimpese", 7, NOW, "0.1.0", 3, _SEALED, HISTORY.tip)
_REPLY = protocol.HelloReply(7, NOW, 3, 0, _SEALED, "token", True, None, b"\x02" * 32, True)
_CLAIM = ClaimFile("https://r.example", "AAAA-BBBB-CCCC", "kimpese", "k.example", "A" * 40)
_MIME = compose(_message(), FILES)

TARGETS: dict[str, Target] = {
    "bundle": Target(
        lambda data: decode(data, HISTORY, LIMITS),
        (BundleError,),
        (
            encode(_bundle(), HISTORY, bundle_format=FORMAT).data,
            encode(_old_bundle(), History(), bundle_format=OLDEST_FORMAT).data,
        ),
    ),
    "items": Target(
        _items,
        (ItemsError,),
        (b"R" + b"amina bako\n", b'S{"free":5}\n', b"Es+\ta@b.example\t5\tno\n", b"Nnew\0", PRIMER),
    ),
    "protocol": Target(_messages, (), (protocol.dump(_HELLO), protocol.dump(_REPLY))),
    "claim file": Target(
        lambda data: claimfile.read(data.decode("utf-8", "replace")),
        (ClaimFileError,),
        (claimfile.write(_CLAIM).encode(),),
    ),
    "history row": Target(
        _rows,
        (HistoryError,),
        tuple(row.data for row in History().append(Record(PRIMER, (("a", "b"),)).dump()).rows),
    ),
    "mime": Target(_mail, (), (_MIME, b"Subject: x\n\nhello")),
    "mail that cannot be read": Target(_unread, (), (_MIME, b"From: a@b.c\nX: y\n\nhello")),
    "text": Target(_text, (), (codec.compress_text([PRIMER * 2], PRIMER, FORMAT)[1],)),
    "file": Target(
        _file,
        (),
        (lzma.compress(bytes(1000), lzma.FORMAT_RAW, filters=codec._LZMA), bytes(1000)),
    ),
    "quoting": Target(
        lambda data: quoting.restore(data.decode("utf-8", "replace"), 10_000),
        (quoting.QuotingError,),
        (b"\x03a\n\x04> \x04b\n\x02c\n",),
    ),
    "backup": Target(
        lambda data: archive.check(io.BytesIO(data), 1000, lambda _: None),
        (BackupError,),
        (_backup(),),
    ),
    "backup's header": Target(
        lambda data: archive.read_header(io.BytesIO(data)),
        (BackupError,),
        (
            b'MOKANDA BACKUP 1\n{"made": 7, "village": "Boende", "octets": 300}\n',
            b'MOKANDA BACKUP 2\n{"made": 7, "village": "Boende", "bytes": 300}\n',
        ),
    ),
    "delta": Target(_delta, (DeltaError,), (_DELTA,)),
    "addresses": Target(_addresses, (), (b"Amina@Kimpese.Example", "é@ñ.example".encode())),
}
