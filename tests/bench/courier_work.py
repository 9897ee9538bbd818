# SPDX-License-Identifier: Apache-2.0
"""What a courier does with one bundle, in a process that does nothing else.

`python -m tests.bench.courier_work seal|open FOLDER NAME` writes how many bytes it took at most.
"""

from __future__ import annotations

import base64
import random
import re
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import cbor2

from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_wire import codec
from mokanda_wire.bundle import BOARD, LIMITS, Bundle, BundleError, Mail, decode, encode
from mokanda_wire.envelope import EnvelopeError, Keyring
from mokanda_wire.formats import FORMAT
from mokanda_wire.history import START, WINDOW, History, Record, applied
from mokanda_wire.limits import MAX_FILE
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of
from tests.ready_made.mail_store import write_mail_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = [f"mot{number}" for number in range(4000)]


def history() -> History:
    """A history with a full window."""
    text = " ".join(random.Random(2).choices(WORDS, k=WINDOW // 6)).encode()
    return History(applied([], History().append(Record(text, ()).dump())))


def texts(size: int, items: int) -> Iterator[tuple[str, str]]:
    """Texts of bundles that fill limits, or pass them; they come from who has a key."""
    mail = "M{r}\n0\nx\n+\n{t}\n\n\n"

    def full(piece: str, count: int = size) -> str:
        return (piece * min(count, size // len(piece.encode()))).ljust(10)

    yield "letters", mail.format(r="a@b", t="") + "x" * (size - 100) + "\0"
    wide = "x" * (size - 100)
    yield "wide letters", mail.format(r="a@b", t="") + wide + "\U0001f600\0"
    yield "empty lines", mail.format(r="a@b", t="") + "\x04> > \x04x" + "\n" * (size - 100) + "\0"
    yield "quotations", mail.format(r="a@b", t="") + "\x03x\n" * (size // 4) + "\0"
    yield "words", full(mail.format(r="a@b", t="") + " ".join(WORDS[:200]) + "\0")
    yield "empty mails", full(mail.format(r="", t="") + "\0", items)
    yield "too many mails", full(mail.format(r="", t="") + "\0")
    yield "events", full("Es+\tx\t0\t\n", items)
    yield "too many events", full("Es1\tx\t0\t\n")
    boxes = "\t".join(["x"] * 2000)
    yield "mailboxes", full(mail.format(r="", t=boxes) + "\0")
    yield "recipients", full(mail.format(r=" ".join(["x"] * 2000), t="") + "\0")
    yield "one field", mail.format(r="x " * (size // 2 - 20), t="") + "\0"
    where = base64.b64encode(bytes(32)).decode() + ":1"
    part = f"\x01a{where}\tx\tx/y\t\n"
    yield "attachments", full(mail.format(r="", t="")[:-1] + "\n" + part * 1500 + "\0")
    yield "unknown fields", full(mail.format(r="", t="")[:-1] + "\n" + "\x01x\n" * 1500 + "\0")
    yield "unknown items", full("Nx\0", items)
    yield "a report", 'S{"a":[' + ",".join(["{}"] * (size // 3 - 10)) + "]}\n"
    yield "a deep report", "S" + "[" * (size - 10) + "\n"
    yield "residents", "R" + "x " * (size // 2 - 10) + "\n"
    yield "too large", "x" * (2 * size)


def files() -> Iterator[tuple[str, list[bytes]]]:
    """Files of bundles likewise."""
    chance = random.Random(1)
    yield "a file", [chance.randbytes(MAX_FILE)]
    yield "many files", [chance.randbytes(12_000) for _ in range(1000)]
    yield "too many files", [b"%d" % number for number in range(4096)]
    yield "a file of nothing", [bytes(BOARD.files - 1000)]
    yield "too large a file", [bytes(LIMITS.files)]


def plain(text: str, contents: list[bytes], direction: str = "down") -> bytes:
    """Write a bundle that no writer of ours does."""
    raw = text.encode()
    how, packed = codec.compress_text([raw], b"", FORMAT)[:2]
    kept = [codec.compress_file(each) for each in contents]
    kept = [
        (codec.FILE_STORED, content) if how == codec.FILE_IN_TEXT else (how, data)
        for content, (how, data) in zip(contents, kept, strict=True)
    ]
    table = [
        [how, len(content), len(data)] for content, (how, data) in zip(contents, kept, strict=True)
    ]
    head = [FORMAT, direction, "kitenge", 1, int(NOW.timestamp()), START.end, START.digest]
    head += [how, len(raw), sha256(raw).digest()[:8], table]
    return b"".join((cbor2.dumps(head), packed, *(data for _, data in kept)))


def letters() -> dict[str, Bundle]:
    """What villagers may have written, and a relay may have gathered."""
    chance = random.Random(1)
    photos = [chance.randbytes(MAX_FILE // 4) for _ in range(4)]
    many = [" ".join(chance.choices(WORDS, k=1500)) for _ in range(110)]
    lines = ["".join(chance.choices("abc \n", k=900_000)) for _ in range(4)]
    return {
        "letters": _bundle([_message(*each) for each in enumerate(many)], []),
        "long letters": _bundle([_message(*each) for each in enumerate(lines)], []),
        "photos": _bundle([_message(0, "Four photos", photos)], photos),
    }


def _message(number: int, text: str, photos: list[bytes] | None = None) -> Message:
    return Message(
        message_id=f"{number}@example.org",
        date=NOW,
        sender=Mailbox("ada@example.org"),
        to=(Mailbox("amina@kimpese.example.org"),),
        cc=(),
        subject="Mbote",
        text=text,
        attachments=tuple(
            Attachment(f"{digest_of(each)[:8]}.jpg", "image/jpeg", digest_of(each), len(each))
            for each in photos or []
        ),
    )


def _bundle(messages: list[Message], contents: list[bytes]) -> Bundle:
    items = tuple(Mail(("amina@kimpese.example.org",), message) for message in messages)
    return Bundle("kimpese", "up", 1, NOW, items, {digest_of(each): each for each in contents})


def _keys(folder: Path) -> tuple[str, str]:
    return (folder / "ours").read_text(), (folder / "theirs").read_text()


def seal(folder: Path, name: str) -> None:
    """What a courier does that sends."""
    ours, theirs = _keys(folder)
    bundle = letters()[name]
    with Keyring(folder / "keys") as keyring:
        encoded = encode(bundle, history(), bundle_format=FORMAT)
        (folder / "sealed").write_bytes(keyring.seal(encoded.data, theirs, ours))


def open_(folder: Path, name: str) -> None:
    """What a courier does that receives."""
    ours, _ = _keys(folder)
    with (
        Keyring(folder / "keys") as keyring,
        closing(_store(folder, name)) as store,
        suppress(EnvelopeError, BundleError, StoreError),
    ):
        opened = keyring.open((folder / name).read_bytes(), ours)
        apply_down(store, decode(opened, history(), BOARD, measured=True))


def _store(folder: Path, name: str) -> Store:
    place = folder / f"store of {name}"
    write_mail_store(place / "mail.db")
    return Store(place / "mail.db", place / "attachments")


def main() -> int:
    """Do it."""
    work = {"seal": seal, "open": open_}[sys.argv[1]]
    work(Path(sys.argv[2]), sys.argv[3])
    # Not by getrusage, which counts what the process had before it became Python.
    found = re.search(r"^VmHWM:\s+([0-9]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    sys.stdout.write(str(int(found[1]) * 1024))
    return 0


if __name__ == "__main__":
    sys.exit(main())
