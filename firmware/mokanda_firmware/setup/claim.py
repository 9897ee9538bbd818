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

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.store import novelty
from mokanda_firmware.setup import card
from mokanda_firmware.uplink import identity, places
from mokanda_firmware.uplink.identity import Answer
from mokanda_wire import claimfile, durable

_log = logging.getLogger(__name__)

_NO_FILE = Sentence("There is no claim file on the SETUP partition of the card.")


def import_from_card() -> Sentence | None:
    """Import the claim file from the SETUP partition, if there is a new one.

    Returns None, or what is wrong with the file and what to do.
    """
    try:
        file = _find(paths.setup())
        if file is None:
            return None
        if file.stat().st_size > claimfile.MAX_SIZE:
            return Sentence(
                "{name} is too large to be a claim file. Copy it to the SETUP partition again.",
                name=file.name,
            )
        text = card.decode(file.read_bytes())
        new = claimfile.read(text)
    except claimfile.ClaimFileError as error:
        return damaged(error)
    except (OSError, UnicodeError) as error:
        _log.warning("SETUP partition: %s", error)
        return Sentence("The claim file cannot be read. Copy it to the SETUP partition again.")
    old = _claimed()
    if old is not None and old.code == new.code:
        return None
    if _digest(new) in _former():
        if old is not None:
            return None
        return Sentence(
            "The claim file on the card was used before this device was wiped. Ask your relay's"
            " operator for a new one."
        )
    _replace(new)
    return None


def replace_by(text: str) -> None:
    """Take the claim file that the keeper gives instead of the one there is.

    Raises:
        claimfile.ClaimFileError: it is no sound claim file; `damaged` says so.
        OSError: it cannot be kept.
    """
    new = claimfile.read(text)
    old = _claimed()
    if old is None or old.code != new.code:
        _replace(new)


def damaged(error: claimfile.ClaimFileError) -> Sentence:
    """Say what to do about a file that is no sound claim file."""
    return Sentence(
        "The claim file is damaged ({why}). Ask your relay's operator for a new claim file, and"
        " copy it whole.",
        why=str(error),
    )


def retire() -> None:
    """Take the code of the present claim from the card no more.

    Raises:
        OSError: this cannot be noted.
    """
    old = _claimed()
    if old is not None and _digest(old) not in _former():
        durable.write(paths.former_claims(), json.dumps([*_former(), _digest(old)]).encode())


def _replace(new: claimfile.ClaimFile) -> None:
    retire()
    novelty.stay_new()
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


def state(problem: Sentence | None = None) -> SetupStatus:
    """Return how far the claim has come; `problem` is what `import_from_card` returned."""
    claim = _claimed()
    if claim is None:
        if problem is not None:
            return SetupStatus(SetupState.CLAIM_ERROR, detail=problem)
        return SetupStatus(SetupState.NO_CLAIM, detail=_NO_FILE)
    outcome, relay = identity.read_outcome(), places.read(claim).here.relay
    if outcome is None or outcome.code != claim.code:
        now = SetupState.CLAIM_PENDING
        detail = Sentence(
            "The device will claim itself at {relay} as soon as it can connect.", relay=relay
        )
    elif outcome.state is Answer.REFUSED:
        now, detail = SetupState.CLAIM_ERROR, outcome.refusal
    else:
        now, detail = SetupState.CLAIMED, Sentence("Mail goes through {relay}.", relay=relay)
    if problem is not None:
        detail = Sentence(
            "{detail} The claim file that lies on the card now was not used. {problem}",
            detail=detail,
            problem=problem,
        )
    return SetupStatus(now, detail=detail, village=claim.device, domain=claim.domain, relay=relay)


def publish_state(problem: Sentence | None = None) -> SetupStatus:
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


def _claimed() -> claimfile.ClaimFile | None:
    try:
        return claimfile.read(paths.claim().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (claimfile.ClaimFileError, OSError, UnicodeError) as error:
        _log.error("%s: %s", paths.claim(), error)
        return None
