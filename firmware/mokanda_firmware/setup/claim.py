# SPDX-License-Identifier: Apache-2.0
"""The claim: from the SETUP partition into the device's data, and how far it has come.

Nothing that lies on the partition, missing, damaged or for another device, takes an existing claim
away; only a sound file with another code replaces it. The courier then trades it with the relay.

The file stays on the card. Its code is not taken from there once more when the keeper has put in
another claim since, or had the device wiped: a claim serves one key, and a wipe takes the key.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import say
from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_wire import claimfile, durable

_log = logging.getLogger(__name__)

_NO_FILE = say("There is no claim file on the SETUP partition of the card.")
_AGAIN = "Copy it to the SETUP partition again."


def take_in() -> str:
    """Import the claim file from the SETUP partition, if there is a new one.

    Returns "", or a sentence that says what is wrong with the file and what to do.
    """
    try:
        file = _find(paths.setup())
        if file is None:
            return ""
        if file.stat().st_size > claimfile.MAX_SIZE:
            return f"{file.name} is too large to be a claim file. {_AGAIN}"
        text = decode(file.read_bytes())
        new = claimfile.read(text)
    except claimfile.ClaimFileError as error:
        return str(error)
    except (OSError, UnicodeError) as error:
        _log.warning("SETUP partition: %s", error)
        return f"The claim file cannot be read. {_AGAIN}"
    old = _claimed()
    if old is not None and old.code == new.code:
        return ""
    if _digest(new) in _former():
        if old is not None:
            return ""
        return say(
            "The claim file on the card was used before this device was wiped. Ask your relay's"
            " operator for a new one."
        )
    _replace(new)
    return ""


def put_in(text: str) -> None:
    """Take the claim file that the keeper gives instead of the one there is.

    Raises:
        claimfile.ClaimFileError: it is no sound claim file; a sentence says what to do.
        OSError: it cannot be kept.
    """
    new = claimfile.read(text)
    old = _claimed()
    if old is None or old.code != new.code:
        _replace(new)


def give_up() -> None:
    """Take the code of the present claim from the card no more.

    Raises:
        OSError: this cannot be noted.
    """
    old = _claimed()
    if old is not None and _digest(old) not in _former():
        durable.write(paths.former_claims(), json.dumps([*_former(), _digest(old)]).encode())


def _replace(new: claimfile.ClaimFile) -> None:
    give_up()
    # Written anew rather than copied: what is imported has been checked whole.
    durable.write(paths.claim(), claimfile.write(new).encode())
    _log.info("claim of %s at %s imported", new.device, new.relay)


def _former() -> list[str]:
    """Return the digests of the codes that are not taken from the card."""
    try:
        digests = json.loads(paths.former_claims().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return digests if isinstance(digests, list) else []


def _digest(claim: claimfile.ClaimFile) -> str:
    return hashlib.sha256(claim.code.encode()).hexdigest()


def state(problem: str = "") -> SetupStatus:
    """Return how far the claim has come; `problem` is what `take_in` returned."""
    claim = _claimed()
    if claim is None:
        if problem:
            return SetupStatus(SetupState.CLAIM_ERROR, detail=problem)
        return SetupStatus(SetupState.NO_CLAIM, detail=_NO_FILE)
    result = _result()
    if result.get("code") != claim.code:
        detail: str = say(
            "The device will claim itself at {relay} as soon as it can connect.", relay=claim.relay
        )
        now = SetupState.CLAIM_PENDING
    elif result.get("state") != "claimed":
        now, detail = SetupState.CLAIM_ERROR, str(result.get("detail"))
    else:
        now, detail = SetupState.CLAIMED, say("Mail goes through {relay}.", relay=claim.relay)
    if problem:
        detail = say(
            "{detail} The claim file that lies on the card now was not used: {problem}",
            detail=detail,
            problem=problem,
        )
    return SetupStatus(
        now, detail=detail, village=claim.device, domain=claim.domain, relay=claim.relay
    )


def publish_state(problem: str = "") -> SetupStatus:
    """Publish the status `setup` and return it."""
    current = state(problem)
    current.publish()
    return current


def _find(folder: Path) -> Path | None:
    """Return the claim file; browsers and editors add to its name: "mokanda-claim (1).toml"."""
    if (folder / claimfile.NAME).exists():
        return folder / claimfile.NAME
    stem, suffix = claimfile.NAME.split(".")
    for file in sorted(folder.glob("*")):
        name = file.name.lower()
        if name.startswith(stem) and f".{suffix}" in name:
            return file
    return None


def decode(content: bytes) -> str:
    """Decode a claim file as an editor saved it: UTF-8, or UTF-16 with its mark.

    Raises:
        UnicodeError: it is no text.
    """
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if utf_16 else "utf-8")


def _claimed() -> claimfile.ClaimFile | None:
    try:
        return claimfile.read(paths.claim().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (claimfile.ClaimFileError, OSError, UnicodeError) as error:
        _log.error("%s: %s", paths.claim(), error)
        return None


def _result() -> dict[str, Any]:
    try:
        content = json.loads(paths.claim_result().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
