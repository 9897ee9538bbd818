# SPDX-License-Identifier: Apache-2.0
"""An update by its delta: fetched when it fits what runs, and rebuilt.

What does not fit ends in an error before anything was fetched; the whole update is then the
keeper's to choose, who has been told the size of the delta.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mokanda_firmware.updates import download, slot
from mokanda_firmware.updates.rebuild import rebuild
from mokanda_firmware.updates.slot import Slot, SlotError
from mokanda_firmware.uplink.offer import Delta, Offer
from mokanda_wire import durable
from mokanda_wire.delta import SUFFIX, DeltaError, Header

Progress = Callable[[int], None]


class UnfitError(Exception):
    """The delta does not make the update of what runs here; the update is to be had whole."""


def fetch(
    link: download.Link,
    offered: Offer,
    delta: Delta,
    folder: Path,
    *,
    fetched: Progress,
    built: Progress,
) -> Path:
    """Return the file of the whole update, of which only the delta is fetched.

    What a power cut or a broken link leaves is gone on from. Calls `fetched` with the bytes of the
    delta that are here, `built` with those of the update.

    Raises:
        UnfitError: it cannot be had by this delta.
        InterruptedDownloadError, FailedDownloadError: as download.fetch has them.
    """
    download.forget_others(offered, folder)
    update = folder / f"{offered.sha256}{download.UPDATE}"
    if update.exists():
        return update
    try:
        with _running() as file:
            base = Slot(file)
            is_here = (folder / f"{delta.sha256}{SUFFIX}").exists()
            if not is_here and base.sha256().hex() != delta.base:
                raise SlotError("What runs is not what the delta is made from.")
            partly = update.with_suffix(download.REBUILT)
            held = partly.stat().st_size if partly.exists() else 0
            download.check_room(offered.size - held, folder)
            path = _fetch(link, delta, folder, fetched)
            _rebuild_twice(path, base, offered, partly, built)
    except (DeltaError, SlotError) as error:
        _forget(offered, delta, folder)
        raise UnfitError(str(error)) from error
    partly.rename(update)
    durable.sync_folder(folder)
    path.unlink()
    return update


def _fetch(link: download.Link, delta: Delta, folder: Path, fetched: Progress) -> Path:
    try:
        return download.fetch_delta(link, delta, folder, fetched)
    except download.FailedDownloadError as error:
        raise DeltaError(str(error)) from error


def _running() -> BinaryIO:
    try:
        return slot.running().open("rb")
    except OSError as error:
        raise SlotError(f"The running slot cannot be opened: {error}") from error


def _rebuild_twice(path: Path, base: Slot, offered: Offer, partly: Path, built: Progress) -> None:
    """Rebuild an update; from its beginning, where what an earlier try has left is damaged."""
    had_some = partly.exists() and partly.stat().st_size > 0
    try:
        _rebuild(path, base, offered, partly, built)
    except DeltaError:
        if not had_some:
            raise
        partly.unlink()
        _rebuild(path, base, offered, partly, built)


def _rebuild(path: Path, base: Slot, offered: Offer, partly: Path, built: Progress) -> None:
    partly.touch()
    with path.open("rb") as delta, partly.open("r+b") as output:
        header = Header.read(delta)
        if (header.size, header.sha256.hex()) != (offered.size, offered.sha256):
            raise DeltaError("The delta is for another update.")
        delta.seek(0)
        rebuild(delta, base, output, built)


def _forget(offered: Offer, delta: Delta, folder: Path) -> None:
    for name in (f"{delta.sha256}{SUFFIX}", f"{offered.sha256}{download.REBUILT}"):
        (folder / name).unlink(missing_ok=True)
