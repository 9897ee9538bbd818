# SPDX-License-Identifier: Apache-2.0
"""Fetches an offered update, however often the link breaks: bytes that are here are kept."""

import hashlib
import http.client
import logging
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Protocol

from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.updates import kept
from mokanda_firmware.uplink.failures import CourierError
from mokanda_firmware.uplink.offer import Delta, Offer
from mokanda_wire import durable
from mokanda_wire.delta import SUFFIX

_log = logging.getLogger(__name__)


class Relay(Protocol):
    """What is needed of courier.relay.Connection."""

    def get(self, path: str, offset: int) -> http.client.HTTPResponse:
        """Ask for a file from byte `offset` on."""


# Opens a connection to the relay; raises CourierError when there is no way now.
Link = Callable[[], AbstractContextManager[Relay]]

# Left free on the data partition, for mail: bytes.
RESERVE = 16 * 1024 * 1024

# How the names end of what lies in the folder: whole updates, parts of files, and updates in parts
# that are rebuilt; deltas end as mokanda_wire has it.
UPDATE, _PART, REBUILT = ".raucb", ".part", ".rebuilt"

_CHUNK = 64 * 1024
_SYNC = 1024 * 1024  # how many bytes a power cut may cost
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class InterruptedDownloadError(SentenceError):
    """There is no link any more; what came is kept, the rest can be fetched later."""


class FailedDownloadError(SentenceError):
    """Trying again as things are is of no use."""


def fetch(link: Link, offer: Offer, folder: Path, progress: Callable[[int], None]) -> Path:
    """Return the file of the whole update in `folder`, after fetching what of it is missing.

    Other files of updates that it finds there are removed. Uses `link` only when something is
    missing, and anew as long as that brings anything. Calls `progress` with the number of bytes
    that are here.

    Raises:
        InterruptedDownloadError: there is no way to the relay now.
        FailedDownloadError: the relay, the card or what arrived is to blame.
    """
    forget_others(offer, folder)
    return _fetch(link, offer, folder / f"{offer.sha256}{UPDATE}", progress)


def fetch_delta(link: Link, delta: Delta, folder: Path, progress: Callable[[int], None]) -> Path:
    """Return the file of a delta, as `fetch` does that of an update; removes no other file."""
    return _fetch(link, delta, folder / f"{delta.sha256}{SUFFIX}", progress)


def forget_others(offer: Offer, folder: Path) -> None:
    """Remove what there is of other updates; make the folder, where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {offer.sha256, offer.delta.sha256 if offer.delta else ""}
    for ending in (UPDATE, _PART, SUFFIX, REBUILT):
        for path in folder.glob(f"*{ending}"):
            if path.stem not in kept:
                path.unlink()


def _fetch(link: Link, wanted: Offer | Delta, whole: Path, progress: Callable[[int], None]) -> Path:
    if whole.exists():
        return whole
    part = whole.with_suffix(_PART)
    with part.open("ab") as file:
        if file.tell() > wanted.size:
            file.truncate(0)
        check_room(wanted.size - file.tell(), whole.parent)
        while file.tell() < wanted.size:
            before = file.tell()
            try:
                with link() as relay:
                    _fetch_rest(relay, wanted, file, progress)
            except (CourierError, OSError, http.client.HTTPException) as error:
                _log.info("%d of %d bytes are here: %s", file.tell(), wanted.size, error)
                if file.tell() == before:
                    raise InterruptedDownloadError(_stopped(file.tell(), wanted, error)) from error
    if _sha256(part) != wanted.sha256:
        part.unlink()
        raise FailedDownloadError(Sentence("The update arrived damaged and was thrown away."))
    part.rename(whole)
    return whole


def check_room(missing: int, folder: Path) -> None:
    """Raise FailedDownloadError where the card has no room for so many bytes, and some for mail."""
    kept.give_way(missing)
    if missing and shutil.disk_usage(folder).free < missing + RESERVE:
        raise FailedDownloadError(
            Sentence(
                "The card has no room for the update ({size} are missing).",
                size=readable(missing),
            )
        )


def _stopped(held: int, wanted: Offer | Delta, error: Exception) -> Sentence:
    so_far, whole = readable(held), readable(wanted.size)
    if isinstance(error, CourierError):
        return Sentence(
            "The download stopped at {held} of {size}; it goes on after the next mail run. {why}",
            held=so_far,
            size=whole,
            why=error.sentence,
        )
    return Sentence(
        "The download stopped at {held} of {size}; it goes on after the next mail run.",
        held=so_far,
        size=whole,
    )


def readable(size: int) -> Sentence:
    """Write a size in bytes as people read it."""
    if size < 1_000_000:
        return Sentence("{number} KB", number=f"{-(-size // 1000)}")
    return Sentence("{number} MB", number=f"{size / 1e6:.1f}")


def _fetch_rest(
    relay: Relay, wanted: Offer | Delta, file: BinaryIO, progress: Callable[[int], None]
) -> None:
    start = file.tell()
    response = relay.get(wanted.path, start)
    if response.status == HTTPStatus.OK and start == 0:
        pass
    elif response.status == HTTPStatus.PARTIAL_CONTENT:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if not found or (int(found[1]), int(found[2])) != (start, wanted.size):
            raise FailedDownloadError(
                Sentence("The relay's update is not the one that it offered.")
            )
    elif response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise http.client.HTTPException(response.status)
    else:
        raise FailedDownloadError(
            Sentence(
                "The relay does not give the update ({why}).",
                why=f"{response.status} {response.reason}",
            )
        )
    synced = start
    try:
        while chunk := response.read1(_CHUNK):
            if file.tell() + len(chunk) > wanted.size:
                raise FailedDownloadError(Sentence("The relay's update is longer than it said."))
            file.write(chunk)
            if file.tell() - synced >= _SYNC:
                durable.sync_content(file)
                synced = file.tell()
            progress(file.tell())
    finally:
        durable.sync_content(file)
    if file.tell() < wanted.size:
        raise http.client.IncompleteRead(b"")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
