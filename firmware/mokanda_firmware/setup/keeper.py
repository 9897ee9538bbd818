# SPDX-License-Identifier: Apache-2.0
"""The way back for a keeper who has lost both password and recovery code: the card in a laptop.

Who holds the card holds all that is on it, so no secret is asked for. A file `mokanda-keeper.txt`
on the SETUP partition, empty or with the keeper's name, is answered in the same file with a new
recovery code. It opens the account once; a file that begins like an answer is left alone.

If the mail store does not open, there is no account to open: the code then proves on the page that
says so (mokanda_firmware.webmail.emergency) that who types it holds the card.
"""

import logging
import subprocess
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.mailbox.administration import villagers
from mokanda_firmware.mailbox.people import accounts, codes
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreUnfit
from mokanda_firmware.setup import card
from mokanda_wire import durable

NAME = "mokanda-keeper.txt"
_MAX_SIZE = 2000  # bytes; a name is shorter, an answer too
_ANSWER = "Mokanda\n\n"
_CODE = """\
A new recovery code for {name}: {code}

It opens the account once. Put the card back, start the device, open its page on a phone, choose
"Forgotten your password?", and type the name {name}, this code and a new password. Then delete
this file.
"""
_AGAIN = "\nDelete these words, write the name instead, and start the device again with the card.\n"
_NOBODY = "This device has no keeper yet: whoever registers first on its page becomes the keeper.\n"
_WHICH = "Nobody of this name is a keeper. The keepers are: {names}.\n" + _AGAIN
_PROOF = """\
The letters and accounts on this device cannot be opened: {why}.

A code: {code}

It lets the device begin anew. Put the card back, start the device, open its page on a phone, and
read there what else can be done. Then delete this file.
"""
_FAILED = "The mail store cannot be opened now. Start the device once more with the card.\n"
_log = logging.getLogger(__name__)


def answer() -> None:
    """Answer the file if somebody has put it there; that this fails is only logged."""
    try:
        file = _find(paths.setup())
        if file is None or file.stat().st_size > _MAX_SIZE:
            return
        asked = card.decode(file.read_bytes()).strip("\ufeff \r\n\t")
        if asked.startswith(_ANSWER.strip()):
            return
        with card.writable(file.parent):
            said = _ANSWER + _recover(asked.lower().partition("@")[0])
            card.replace(file, card.for_laptops(said))
    except (OSError, UnicodeError, subprocess.SubprocessError) as error:
        _log.warning("SETUP partition: %s", error)


def is_code(typed: str) -> bool:
    """Whether this is the code that lies on the card of a device whose store does not open."""
    try:
        return accounts.matches(codes.normalized(typed), paths.keeper_code().read_text("ascii"))
    except (OSError, ValueError):
        return False


def _find(folder: Path) -> Path | None:
    """Return the file; editors add to its name: "mokanda-keeper.txt.txt"."""
    stem = NAME.partition(".")[0]
    found = sorted(file for file in folder.glob("*") if file.name.lower().startswith(stem))
    return found[0] if found else None


def _recover(name: str) -> str:
    """Make a code for the keeper of this name, for the only one there is without a name."""
    try:
        store = Store.of_device()
    except StoreUnfit as error:
        _log.warning("%s", error)
        return _new_proof(str(error))
    except StoreError as error:
        _log.warning("%s", error)
        return _FAILED
    try:
        names = villagers.keepers(store)
        if not names:
            return _NOBODY
        if not name and len(names) == 1:
            [name] = names
        if name not in names:
            return _WHICH.format(names=", ".join(names))
        code = villagers.recover_keeper(store, name)
    except StoreError as error:
        _log.warning("%s", error)
        return _FAILED
    finally:
        store.close()
    _log.warning("a new recovery code for the keeper %s lies on the SETUP partition", name)
    return _CODE.format(name=name, code=code)


def _new_proof(why: str) -> str:
    """Make a code that is typed on the page of a device whose store does not open."""
    code = codes.new_code(3)
    try:
        hashed = accounts.hash_password(codes.normalized(code))
        durable.write(paths.keeper_code(), hashed.encode(), 0o660)
    except OSError as error:
        _log.warning("%s", error)
        return _FAILED
    _log.warning("a code that lets the device begin anew lies on the SETUP partition")
    return _PROOF.format(why=why, code=code)
