# SPDX-License-Identifier: Apache-2.0
"""The readings of mails: made once, soon after a mail came in; found whenever it is planned.

What an original's row says                     and what comes of it

    not read, or by another version             the preparer reads it; it waits, or goes as the
                                                older reading has it
    read                                        it goes
    read, but the reading is gone from its      once somebody looks for it: not read
    store
    not to be read, as its file is gone         if the file comes back: not read

A reading is durable before its row, so that a crash leaves at worst a blob that no row names. It
goes with its original's row.
"""

from __future__ import annotations

import datetime as dt
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, TypeVar

import sqlalchemy as sa

from mokanda_relay.mime.parse import HEAD, attached_whole
from mokanda_relay.relay import Relay
from mokanda_relay.rendering import reading
from mokanda_relay.rendering.mail_reader import READ
from mokanda_relay.rendering.reading import VERSION, Reading, ReadingError
from mokanda_relay.store import alerts
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import Incoming, Original
from mokanda_relay.transport import filters
from mokanda_wire.message import EPOCH, UNREAD, digest_of

T = TypeVar("T")

_PIECE = 65536  # bytes of a mail that are handed on at a time
_PROGRAM = ("-m", "mokanda_relay.rendering.mail_reader")
_TOLD_EVERY = dt.timedelta(days=1)
_WAIT = 5.0  # seconds that a session waits for mail that came just now
_WAIT_STEP = 0.2  # seconds, at most: another process may read it
_NOT_READ = "[This letter could not be read. Ask for the original: message.eml]"

log = logging.getLogger(__name__)


class NotReadyError(Exception):
    """Something of the mail is still being made; it goes another time."""


class _FailedError(Exception):
    """The mail was not read."""


class _ReaderGoneError(Exception):
    """The program that reads mails has ended."""


def find(relay: Relay, digest: str) -> Reading:
    """The reading of a mail.

    Raises:
        NotReadyError: it is not read yet.
        BlobNotFoundError: the mail's file is not there.
    """
    with _opened(relay, digest, 0) as blob:
        try:
            return reading.load(blob)
        except ReadingError as error:
            log.error("mail=%s: its reading is damaged: %s", digest[:12], error)
    _read_again(relay, digest)
    relay.incoming_bell.ring()
    raise NotReadyError


def content(relay: Relay, digest: str, file: str) -> bytes | None:
    """The content of a file of a mail, both by their digests; None if it has no such file.

    Raises:
        NotReadyError: the mail is not read yet.
        BlobNotFoundError: the mail's file is not there.
    """
    if file == digest:
        return relay.originals.read(digest)
    place = find(relay, digest).places.get(file)
    if place is None:
        return None
    with _opened(relay, digest, place.at) as blob:
        found = blob.read(place.size)
    if digest_of(found) != file:  # it was just read anew
        raise NotReadyError
    return found


def _opened(relay: Relay, digest: str, at: int) -> BinaryIO:
    """The blob of a mail's reading, from a place on; raises what `find` does."""
    with relay.database.reading() as session:
        original = session.get(Original, digest)
    if original is None:
        raise BlobNotFoundError(digest)
    try:
        if original.reading:
            return relay.readings.open(original.reading, at)
    except BlobNotFoundError:
        log.error("mail=%s: its reading is gone", digest[:12])
    if not relay.originals.exists(digest):
        raise BlobNotFoundError(digest)
    if original.reading or original.reading_version:
        _read_again(relay, digest)
    relay.incoming_bell.ring()
    raise NotReadyError


def soon(relay: Relay, look: Callable[[], T]) -> T:
    """What `look` finds, which is tried for a moment while it is not ready.

    Raises:
        NotReadyError: it still is not.
    """
    until = time.monotonic() + _WAIT
    while True:
        rings = relay.ready_bell.rings()
        try:
            return look()
        except NotReadyError:
            left = until - time.monotonic()
            if left <= 0:
                raise
        relay.ready_bell.wait(rings, min(left, _WAIT_STEP))


def _read_again(relay: Relay, digest: str) -> None:
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Original)
            .where(Original.digest == digest)
            .values(reading="", reading_version=0)
        )


def _record(relay: Relay, digest: str, name: str) -> None:
    """Record what was read, with what filters go by, and judge the mail by them."""
    facts: dict[str, object] = {"reading": name, "reading_version": VERSION}
    if name:
        with relay.readings.open(name, 0) as blob:
            read = reading.load(blob)
        facts |= {
            "writer": read.message.sender.address.lower(),
            "to_many": read.listing.to_many,
        }
    devices = sa.select(Incoming.device_id).where(
        Incoming.digest == digest, Incoming.sequence.is_(None)
    )
    with relay.database.transaction() as session:
        session.execute(sa.update(Original).where(Original.digest == digest).values(facts))
        for device_id in session.scalars(devices.distinct()).all():
            filters.judge(session, device_id, digest)


class MailReader:
    """Has mails read, by a program that is started again when it has ended."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def read(self, digest: str) -> None:
        """Read a mail, and keep the reading; one of a mail that cannot be read says so.

        Raises:
            OSError: it cannot be kept now.
        """
        relay = self._relay
        try:
            size = relay.originals.size(digest)
            name = self._kept(digest, size)
        except BlobNotFoundError:
            log.error("mail=%s: its file is gone", digest[:12])
            name = ""
        _record(relay, digest, name)
        relay.ready_bell.ring()

    def _kept(self, digest: str, size: int) -> str:
        store = self._relay.readings
        for _ in range(2):  # others may have taken the memory that the first one lacked
            try:
                return store.write_by_digest(self._answer(digest, size))[0]
            except _ReaderGoneError:
                self.close()
                log.warning("mail=%s: the reader has ended", digest[:12])
            except _FailedError:
                break
            except BaseException:
                self.close()  # it may be in the middle of an answer
                raise
        log.warning("mail=%s cannot be read", digest[:12])
        text = "a mail cannot be read, and its readers are offered it as a file; the log names it"
        alerts.report_seldom(self._relay.database, _TOLD_EVERY, "unread", text)
        with self._relay.originals.open(digest) as raw:
            beginning = raw.read(HEAD)
        message = attached_whole(beginning, digest, size, EPOCH)
        message = message._replace(text=_NOT_READ, note=UNREAD)
        return store.write_by_digest(reading.write(message, {}))[0]

    def _answer(self, digest: str, size: int) -> Iterator[bytes]:
        """Hand a mail to the program, and yield what it makes of it."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        with self._relay.originals.open(digest) as raw:
            try:
                process.stdin.write(size.to_bytes(8))
                while piece := raw.read(min(_PIECE, size)):
                    process.stdin.write(piece)
                    size -= len(piece)
                process.stdin.flush()
            except BrokenPipeError as error:
                raise _ReaderGoneError from error
        if size:
            raise OSError(f"the file of the mail {digest} is shorter than it was")
        while length := int.from_bytes(_exactly(process.stdout, 4)):
            yield _exactly(process.stdout, length)
        if _exactly(process.stdout, 1) != READ:
            raise _FailedError

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, *_PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the relay
            )
        return self._process


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise _ReaderGoneError
    return data
