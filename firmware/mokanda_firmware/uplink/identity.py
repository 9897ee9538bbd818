# SPDX-License-Identifier: Apache-2.0
"""Who this device is to its relay: the claim file, and what the relay made of it.

The claim's outcome is a JSON file (paths.claim_result) that setup reads, too.
"""

import json
from enum import StrEnum
from typing import NamedTuple

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.uplink import places, refusals
from mokanda_firmware.uplink.places import Place
from mokanda_wire import claimfile, durable
from mokanda_wire.claimfile import ClaimFile, ClaimFileError

NO_CLAIM = Sentence("This device has no relay yet. Copy a claim file to its SETUP partition.")


class Answer(StrEnum):
    """What the relay said to a claim."""

    CLAIMED = "claimed"
    REFUSED = "refused"


class Outcome(NamedTuple):
    """How a claim ended; `fingerprint` is that of the device's key."""

    state: Answer
    code: str  # the claim's
    device: str
    domain: str
    fingerprint: str
    reason: str = ""  # why it was refused, a word of mokanda_wire.protocol

    @property
    def refusal(self) -> Sentence:
        """Say why it was refused."""
        return refusals.of_claim(self.reason)


class Identity(NamedTuple):
    """A claimed device, and where its relay is."""

    claim: ClaimFile
    outcome: Outcome
    place: Place


def read_claim() -> ClaimFile | None:
    """The imported claim file; None when there is none that can be used."""
    try:
        return claimfile.read(paths.claim().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ClaimFileError):
        return None


def read_outcome() -> Outcome | None:
    """How the last claim ended; None when there was none."""
    try:
        return records.load(Outcome, json.loads(paths.claim_result().read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def write_outcome(outcome: Outcome) -> None:
    """Note how a claim ended."""
    durable.write(paths.claim_result(), json.dumps(records.dump(outcome)).encode())


def read() -> Identity | None:
    """Who this device is; None when the imported claim has not been granted."""
    claim, outcome = read_claim(), read_outcome()
    if claim and outcome and outcome.code == claim.code and outcome.state is Answer.CLAIMED:
        return Identity(claim, outcome, places.read(claim).here)
    return None
