# SPDX-License-Identifier: Apache-2.0
"""The result file on the SETUP partition: what a person with a laptop reads after a start."""

import logging
import subprocess

from mokanda_firmware import paths
from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.store import novelty
from mokanda_firmware.setup import card

_log = logging.getLogger(__name__)

_HEADINGS = {
    SetupState.NO_CLAIM: "This device does not belong to a relay yet.",
    SetupState.CLAIM_ERROR: "The claim did not work.",
    SetupState.CLAIM_PENDING: "The claim file has been read.",
    SetupState.CLAIMED: novelty.CLAIMED,
}
_ADVICE = {
    SetupState.NO_CLAIM: "Copy the file mokanda-claim.toml, which your relay's operator gives you,"
    " to this place, and start the device again.",
    SetupState.CLAIM_PENDING: "Put the card back, start the device and give it a modem or a network"
    " cable.",
}


def write(state: SetupStatus) -> None:
    """Write the file if it says something else; that it cannot be written is only logged."""
    file = paths.setup_result()
    text = _text(state)
    try:
        if file.exists() and file.read_bytes() == text:
            return
        with card.writable(file.parent):
            card.replace(file, text)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("SETUP partition: %s", error)


def _text(state: SetupStatus) -> bytes:
    paragraphs = ["Mokanda", _HEADINGS[state.state], str(state.detail or "")]
    if state.domain:
        paragraphs.append(f"Device: {state.village}\nMail addresses: ...@{state.domain}")
    if state.state in _ADVICE:
        paragraphs.append(_ADVICE[state.state])
    return card.for_laptops("\n\n".join(paragraphs) + "\n")
