# SPDX-License-Identifier: Apache-2.0
"""Fetches an offered update, however often the link breaks: bytes that are here are kept."""

import hashlib
import http.client
import logging
import os
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Protocol

from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.uplink.failures import CourierError
from mokanda_firmware.uplink.offer import Offer

_log = logging.getLogger(__name__)


class Relay(Protocol):
    """What is needed of courier.relay.Connection."""

    def get(self, path: str, offset: int) -> http.client.HTTPResponse:
        """Ask for a file from byte `offset` on."""


# Opens a connection to the relay; raises CourierError when there is no way now.
Link = Callable[[], AbstractContextManager[Relay]]

# Left free on the data partition, for mail: bytes.
RESERVE = 16 * 1024 * 1024

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
    folder.mkdir(parents=True, exist_ok=True)
    whole, part = folder / f"{offer.sha256}.raucb", folder / f"{offer.sha256}.part"
    for other in [*folder.glob("*.raucb"), *folder.glob("*.part")]:
        if other not in (whole, part):
            other.unlink()
    if whole.exists():
        return whole
    with part.open("ab") as file:
        if file.tell() > offer.size:
            file.truncate(0)
        _check_room(offer.size - file.tell(), folder)
        while file.tell() < offer.size:
            before = file.tell()
            try:
                with link() as relay:
                    _fetch_rest(relay, offer, file, progress)
            except (CourierError, OSError, http.client.HTTPException) as error:
                _log.info("%d of %d bytes are here: %s", file.tell(), offer.size, error)
                if file.tell() == before:
                    raise InterruptedDownloadError(_stopped(file.tell(), offer, error)) from error
    if _sha256(part) != offer.sha256:
        part.unlink()
        raise FailedDownloadError(Sentence("The update arrived damaged and was thrown away."))
    part.rename(whole)
    return whole


def _check_room(missing: int, folder: Path) -> None:
    if missing and shutil.disk_usage(folder).free < missing + RESERVE:
        raise FailedDownloadError(
            Sentence(
                "The card has no room for the update ({size} are missing).",
                size=megabytes(missing),
            )
        )


def _stopped(held: int, offer: Offer, error: Exception) -> Sentence:
    so_far, whole = megabytes(held), megabytes(offer.size)
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


def megabytes(size: int) -> Sentence:
    """Write a size in bytes as people read it."""
    return Sentence("{number} MB", number=f"{size / 1e6:.1f}")


def _fetch_rest(
    relay: Relay, offer: Offer, file: BinaryIO, progress: Callable[[int], None]
) -> None:
    start = file.tell()
    response = relay.get(offer.path, start)
    if response.status == HTTPStatus.OK and start == 0:
        pass
    elif response.status == HTTPStatus.PARTIAL_CONTENT:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if not found or (int(found[1]), int(found[2])) != (start, offer.size):
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
            if file.tell() + len(chunk) > offer.size:
                raise FailedDownloadError(Sentence("The relay's update is longer than it said."))
            file.write(chunk)
            if file.tell() - synced >= _SYNC:
                _sync(file)
                synced = file.tell()
            progress(file.tell())
    finally:
        _sync(file)
    if file.tell() < offer.size:
        raise http.client.IncompleteRead(b"")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fdatasync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
