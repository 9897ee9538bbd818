# SPDX-License-Identifier: Apache-2.0
"""Wiping a device: what it keeps of its village goes, and it starts like one with a new card.

A mark is on the disk first, and goes last: whatever is cut in between is done again at the next
start, before any daemon runs. The keeper has the mark set on a page; who has lost the keeper puts a
file on the card, as who holds the card can read and erase all of it anyway.
"""

import argparse
import logging
import os
import subprocess
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.bus import service
from mokanda_firmware.setup import claim
from mokanda_firmware.setup.card import writable
from mokanda_wire import durable

REQUEST = "mokanda-wipe"  # how the name of the file on the card begins: editors add to it
_WIPING, _WIPED = "mokanda-wiping.txt", "mokanda-is-wiped.txt"
_log = logging.getLogger(__name__)


def ask() -> None:
    """Have this device wiped at its next start, whatever happens until then."""
    durable.write(paths.wipe_mark(), b"")


def wipe() -> bool:
    """Erase all that this device keeps, if it was asked for; return whether it was.

    Raises:
        OSError: not everything could be erased; it will be tried again.
    """
    card = paths.setup()
    if not (_is_asked_by(card) or paths.wipe_mark().exists()):
        return False
    claim.retire()
    for path in sorted(paths.data().iterdir()):
        if path not in (paths.wipe_mark(), paths.former_claims()):
            _erase(path)
    durable.write(paths.anew_mark(), b"")  # whatever the card still tells
    durable.sync_folder(paths.data())
    if paths.restore().exists():
        _erase(paths.restore())
    _rename(card, _WIPING, _WIPED)
    paths.wipe_mark().unlink()
    durable.sync_folder(paths.data())
    _log.info("this device was wiped")
    return True


def _is_asked_by(card: Path) -> bool:
    """Take a request from the card over into the mark; not when it would come again and again."""
    names = [path.name for path in card.glob("*") if path.name.lower().startswith(REQUEST)]
    if not names:
        return False
    is_marked = paths.wipe_mark().exists()
    ask()
    if _rename(card, names[0], _WIPING):
        return True
    if not is_marked:
        paths.wipe_mark().unlink()
    _log.error("%s asks for a wipe, but the card cannot be written", names[0])
    return False


def _rename(card: Path, name: str, new: str) -> bool:
    """Rename a file on the card; return whether it has the new name."""
    try:
        with writable(card):
            (card / name).replace(card / new)
            os.sync()
    except FileNotFoundError:
        return False
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("SETUP partition: %s", error)
        return False
    return True


def _erase(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for each in path.iterdir():
            _erase(each)
        path.rmdir()
    else:
        path.unlink()


def main() -> None:
    """Wipe this device if it was asked for."""
    argparse.ArgumentParser(
        prog="mokanda-wipe", description="Wipes this device, if its keeper or its card asks for it."
    ).parse_args()
    service.start_logging()
    wipe()


if __name__ == "__main__":
    main()
