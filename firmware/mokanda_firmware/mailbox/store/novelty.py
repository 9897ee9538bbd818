# SPDX-License-Identifier: Apache-2.0
"""Whether a device is new. That its mail store is missing does not make it so: it may be lost.

A new device has nothing beside the store that is about to be made. Two marks outlive the store,
one from when it is first made, one from when there is a keeper; a wipe takes both. Whatever else is
there, a claim, keys or attachments, tells of a device that has had a store too. Where all of it is
gone the SETUP partition may still say that the device was claimed.
"""

import logging
import sqlite3
from pathlib import Path

from mokanda_firmware import paths
from mokanda_wire import durable

# How mokanda_firmware.setup.result says on the card that the relay has taken the claim.
CLAIMED = "This device belongs to its relay."
_log = logging.getLogger(__name__)


def is_new() -> bool:
    """Whether a mail store may be made here: there never was one, or it was said to begin anew."""
    if paths.anew_mark().exists():
        return True
    files = (paths.store_mark(), paths.keeper_mark(), paths.claim(), paths.claim_result())
    folders = (paths.keys(), paths.attachments(), paths.store_copies(), paths.damaged_store())
    if any(file.exists() for file in files) or any(map(_has_content, folders)):
        return False
    return not _card_tells_of_a_claim()


def remember() -> None:
    """Mark a device that is not new, for who cannot read the card, and for when it says no more.

    Raises:
        OSError: this cannot be noted.
    """
    if not is_new() and not paths.store_mark().exists():
        durable.write(paths.store_mark(), b"", 0o660)


def stay_new() -> None:
    """Let a new device get its mail store still, whatever is put beside it from now on.

    Raises:
        OSError: this cannot be noted.
    """
    if is_new():
        durable.write(paths.anew_mark(), b"")


def has_lost_its_accounts(connection: sqlite3.Connection) -> bool:
    """Whether a store that opens has none of the accounts that it had."""
    return not _has_accounts(connection) and _has_had_a_keeper()


def note(connection: sqlite3.Connection) -> None:
    """Mark that there is a store, and a keeper if there is one; begin anew no more."""
    marks = [paths.store_mark()]
    if _has_accounts(connection):
        marks.append(paths.keeper_mark())
    try:
        for mark in marks:
            if not mark.exists():
                durable.write(mark, b"")
        paths.anew_mark().unlink(missing_ok=True)
    except OSError as error:  # at the next start it is tried again
        _log.warning("%s", error)


def _card_tells_of_a_claim() -> bool:
    try:
        return CLAIMED.encode() in paths.setup_result().read_bytes()
    except OSError:  # there is none, or it is not for the daemon that asks
        return False


def _has_accounts(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM account").fetchone() is not None


def _has_had_a_keeper() -> bool:
    return paths.keeper_mark().exists() and not paths.anew_mark().exists()


def _has_content(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError:  # it is somebody else's, or cannot be read any more
        return True
