# SPDX-License-Identifier: Apache-2.0
"""What a refusal of the relay means to people: its words are the protocol's."""

from mokanda_firmware.bus.sentences import Sentence
from mokanda_wire import protocol

_AT_ODDS = Sentence(
    "This device and its relay do not agree on what has come through. They go on in the next mail"
    " run."
)
SENTENCES = {
    protocol.CLAIM_UNKNOWN: Sentence(
        "The relay does not know this claim code. Ask its operator for a new claim file."
    ),
    protocol.CLAIM_USED: Sentence(
        "This claim code was used by another device, or this device is claimed already. Ask the"
        " relay's operator for a new claim file."
    ),
    protocol.DEVICE_UNKNOWN: Sentence(
        "The relay does not know this device any more. Ask its operator for a new claim file."
    ),
    protocol.COUNTER_STALE: _AT_ODDS,
    protocol.TOKEN_WRONG: _AT_ODDS,
    protocol.OFFSET_WRONG: _AT_ODDS,
    protocol.SEQUENCE_WRONG: _AT_ODDS,
    protocol.HISTORY_UNKNOWN: _AT_ODDS,
    protocol.CONTENT_UNKNOWN: _AT_ODDS,
    protocol.BUNDLE_BAD: Sentence(
        "The relay refuses some of the mail that was to leave. The rest goes with the next mail"
        " runs."
    ),
    protocol.CARD_COPIED: Sentence(
        "The relay serves another device with a copy of this card; letters wait here. If this one"
        " is the copy, switch it off and leave it off. If not, ask the relay's operator to choose"
        " this one."
    ),
    protocol.TOO_OLD: Sentence(
        "This device is too old for its relay. Ask the relay's operator for a newer version."
    ),
    protocol.MALFORMED: Sentence(
        "The relay does not understand this device. Ask its operator whether it needs an update."
    ),
    protocol.TRY_LATER: Sentence("The relay has too much to do now. It will be tried again."),
}


def of_claim(reason: str) -> Sentence:
    """Return what the refusal of a claim means, also of one that an earlier version has kept."""
    return SENTENCES.get(reason) or Sentence(
        "The relay has refused this claim. Ask its operator for a new claim file."
    )


def sentence_of(reason: str, text: str) -> Sentence:
    """Return what a refusal means; `text` is the relay's own, for a word that is not known here."""
    return SENTENCES.get(reason) or Sentence("The relay refuses this ({why}).", why=text)
