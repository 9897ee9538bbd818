# SPDX-License-Identifier: Apache-2.0
"""Who this device is to its relay: the claim file, and what the relay made of it.

The claim's outcome is a JSON file (paths.claim_result) that the setup daemon and the pages
read: {"state": "claimed" | "refused", "detail": sentence, "code": the claim's, "device",
"domain", "fingerprint": the device's key}.
"""

import json
from dataclasses import asdict, dataclass

from mokanda_firmware import paths
from mokanda_wire import claimfile, durable
from mokanda_wire.claimfile import ClaimFile, ClaimFileError


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a claim ended; `detail` is a sentence when it was refused."""

    state: str
    detail: str
    code: str
    device: str
    domain: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A claimed device, and its relay."""

    claim: ClaimFile
    outcome: Outcome


def read_claim() -> ClaimFile | None:
    """The imported claim file; None when there is none that can be used."""
    try:
        return claimfile.read(paths.claim().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ClaimFileError):
        return None


def read_outcome() -> Outcome | None:
    """How the last claim ended; None when there was none."""
    try:
        return Outcome(**json.loads(paths.claim_result().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_outcome(outcome: Outcome) -> None:
    """Note how a claim ended."""
    durable.write(paths.claim_result(), json.dumps(asdict(outcome)).encode())


def read() -> Identity | None:
    """Who this device is; None when the imported claim has not been granted."""
    claim, outcome = read_claim(), read_outcome()
    if claim and outcome and outcome.code == claim.code and outcome.state == "claimed":
        return Identity(claim, outcome)
    return None
