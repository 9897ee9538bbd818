# SPDX-License-Identifier: Apache-2.0
"""`make bench-memory`: what sealing and opening 1 MB of mail takes of the board's memory.

Each is done in a process of its own, as the courier does it: encode and seal, open and decode. The
figure is the peak of that process, and with it the most that GnuPG's processes took together.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import re
import resource
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from mokanda_wire.bundle import Bundle, Mail, decode, encode
from mokanda_wire.envelope import Keyring
from mokanda_wire.formats import FORMAT
from mokanda_wire.history import WINDOW, History, Record, applied
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of

MEGABYTE = 1024 * 1024
LIMIT = 64 * MEGABYTE
NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = [f"mot{number}" for number in range(4000)]

Work = Callable[[Path, str], None]


def bundles() -> dict[str, Bundle]:
    """1 MB of text, and 1 MB of photos."""
    chance = random.Random(1)
    texts = [" ".join(chance.choices(WORDS, k=1500)) for _ in range(110)]
    photos = [chance.randbytes(MEGABYTE // 4) for _ in range(4)]
    return {
        "text": _bundle([_message(number, text) for number, text in enumerate(texts)], []),
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


def _bundle(messages: list[Message], files: list[bytes]) -> Bundle:
    items = tuple(Mail(("amina@kimpese.example.org",), message) for message in messages)
    return Bundle("kimpese", "down", 1, NOW, items, {digest_of(each): each for each in files})


def history() -> History:
    """A history with a full window."""
    text = " ".join(random.Random(2).choices(WORDS, k=WINDOW // 6)).encode()
    return History(applied([], History().append(Record(text, ()).dump())))


def _keys(folder: Path) -> tuple[str, str]:
    return (folder / "ours").read_text(), (folder / "theirs").read_text()


def seal(folder: Path, name: str) -> None:
    """What an end does that sends."""
    ours, theirs = _keys(folder)
    with Keyring(folder / "keys") as keyring:
        encoded = encode(bundles()[name], history(), bundle_format=FORMAT)
        (folder / name).write_bytes(keyring.seal(encoded.data, theirs, ours))


def open_(folder: Path, name: str) -> None:
    """What an end does that receives."""
    ours, _ = _keys(folder)
    with Keyring(folder / "keys") as keyring:
        decode(keyring.open((folder / name).read_bytes(), ours), history())


def idle(_folder: Path, _name: str) -> None:
    """Nothing: what the interpreter and the modules take, and the mail itself."""
    bundles()
    history()


def _measured(work: Work, folder: Path, name: str, result: Connection) -> None:
    work(folder, name)
    result.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def peak(work: Work, folder: Path, name: str) -> int:
    """The most memory that this work takes, in bytes, GnuPG's included."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_measured, args=(work, folder, name, writer))
    process.start()
    gnupg = 0
    while not reader.poll(0.005):
        gnupg = max(gnupg, _gnupg(folder))
    process.join()
    return int(reader.recv()) + gnupg


def _gnupg(folder: Path) -> int:
    """What GnuPG's processes that work in this folder have in memory, shared pages shared out."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if command.startswith(b"gpg") and str(folder).encode() in command:
                found = re.search(
                    r"^Pss: +([0-9]+)", (process / "smaps_rollup").read_text(), re.MULTILINE
                )
                total += int(found[1]) * 1024 if found else 0
    return total


def main() -> int:
    """Measure; the last line is JSON, in MB."""
    result = {}
    with tempfile.TemporaryDirectory(prefix="mokanda-") as name:
        folder = Path(name)
        with Keyring(folder / "keys") as keyring:
            for each in ("ours", "theirs"):
                (folder / each).write_text(keyring.create_key(each))
        for kind in bundles():
            for label, work in (("idle", idle), ("seal", seal), ("open", open_)):
                result[f"{label}_{kind}"] = peak(work, folder, kind)
    for label, size in result.items():
        sys.stdout.write(f"{label:14} {size / MEGABYTE:6.1f} MB\n")
    sys.stdout.write(json.dumps({key: round(x / MEGABYTE, 1) for key, x in result.items()}) + "\n")
    return 0 if max(result.values()) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
