# SPDX-License-Identifier: Apache-2.0
"""A program of its own: reads the mails on its standard input, each in a process that may die.

The worst of a stranger's mail (one that takes all memory, or a flaw of a parser) ends nothing but
the process that reads it; this one looks into none, and is ready for the next:
`python -m mokanda_relay.rendering.mail_reader`.

A mail is its length (8 bytes) and itself. The answer is a reading (rendering/reading.py) in pieces,
each behind its length (4 bytes), then a piece of no bytes, and a byte: READ or FAILED.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from mokanda_relay.mime.parse import Taken, take_apart
from mokanda_relay.rendering import reading
from mokanda_relay.rendering.bounds import bounded
from mokanda_relay.rendering.long_text import shorten
from mokanda_wire.message import EPOCH, Message, digest_of

READ, FAILED = b"r", b"f"
PIECE = 65536  # bytes of an answer at a time

_MEMORY = 512 * 1024 * 1024  # bytes of address space; a mail of 30 MB takes 300 to 450 MB
_SECONDS = 20  # of processor time; a mail of 30 MB takes a few
_WALL_SECONDS = 120  # on a machine with much to do
_MAX_READING = 96 * 1024 * 1024  # bytes
_MAX_FILES = 200  # of a mail
# Proofs of the sender, over the original's bytes: of no use without those.
_SIGNATURES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}


def read(raw: bytes) -> Taken:
    """Read a mail as a village gets it.

    Raises:
        UnreadableError, ValueError: it cannot be read, or has too many files.
    """
    taken = take_apart(raw, EPOCH)
    message, contents = without_signatures(taken.message, taken.contents)
    if len(message.attachments) > _MAX_FILES:
        raise ValueError("too many files")
    message, whole = shorten(bounded(message))
    files = contents | ({digest_of(whole): whole} if whole else {})
    return taken._replace(message=message, contents=files)


def without_signatures(
    message: Message, contents: Mapping[str, bytes]
) -> tuple[Message, dict[str, bytes]]:
    """Leave out what the village has no use for; also returns the contents that stay."""
    kept = tuple(each for each in message.attachments if each.media_type not in _SIGNATURES)
    wanted = {each.digest for each in kept}
    return (
        message._replace(attachments=kept),
        {digest: content for digest, content in contents.items() if digest in wanted},
    )


def main() -> int:
    """Read mails until there are no more."""
    mails, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := mails.read(8):
        mail = mails.read(int.from_bytes(head))
        outcome = _read_apart(mail, answers)
        del mail
        answers.write(bytes(4) + outcome)
        answers.flush()
    return 0


def _read_apart(mail: bytes, answers: BinaryIO) -> bytes:
    """Have a mail read in a process of its own, and pass on what that says."""
    said, says = os.pipe()
    child = os.fork()
    if not child:
        os.close(said)
        _read_and_exit(mail, says)
    os.close(says)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(_WALL_SECONDS)
    size = 0
    while piece := os.read(said, PIECE):
        size += len(piece)
        if size > _MAX_READING:
            os.kill(child, signal.SIGKILL)
            break
        answers.write(len(piece).to_bytes(4) + piece)
    os.close(said)
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    return FAILED if status or size > _MAX_READING else READ


def _read_and_exit(mail: bytes, says: int) -> NoReturn:
    status = 1
    try:
        for stream in (0, 1):  # other mails come and go by these
            os.close(stream)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for limit, value in (
            (resource.RLIMIT_AS, _MEMORY),
            (resource.RLIMIT_CPU, _SECONDS),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(limit, (value, value))
        with suppress(OSError):  # where memory ends for all, this process goes first
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        taken = read(mail)
        with open(says, "wb") as pipe:
            pipe.writelines(reading.write(*taken))
        status = 0
    except Exception as error:  # noqa: BLE001 - parsers raise all kinds
        sys.stderr.write(f"{type(error).__name__}: {str(error)[:200]!a}\n")
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
