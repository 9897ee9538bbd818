# SPDX-License-Identifier: Apache-2.0
"""What can go wrong on the way to the relay, each with a sentence for people."""

import errno
from datetime import timedelta

from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.uplink import refusals

_MAX_MINUTES = 24 * 60  # whatever a relay says


class CourierError(SentenceError):
    """A sync or claim did not work."""

    worth_retrying = True  # soon, by itself; otherwise somebody has to do something first


class LinkError(CourierError):
    """There is no way to the relay: no network, no signal, no modem."""


class CutError(CourierError):
    """The connection broke or fell silent; what went through is kept."""


class RefusedError(CourierError):
    """The relay refused; `reason` is a word of mokanda_wire.protocol, `text` the relay's own.

    str() is both, for the log; people are told what the reason means. `wait` is how long the relay
    asks not to be asked again.
    """

    def __init__(
        self, reason: str, text: str, *, counter: int | None = None, minutes: int | None = None
    ) -> None:
        super().__init__(refusals.sentence_of(reason, text))
        self.args = (f"{reason}: {text}",)
        self.reason = reason
        self.text = text
        self.counter = counter
        self.wait = timedelta(minutes=min(minutes or 0, _MAX_MINUTES))


class NotOurRelayError(CourierError):
    """What answers is not the relay of the claim file."""

    worth_retrying = False


class OutdatedError(CourierError):
    """The device or its relay is too old for the other."""

    worth_retrying = False


class CopiedError(CourierError):
    """Another card of the same identity is served."""

    worth_retrying = False


class ClaimError(CourierError):
    """The claim was refused for good."""

    worth_retrying = False


class FullError(CourierError):
    """The data partition has no room left."""

    worth_retrying = False  # somebody has to delete something first

    def __init__(self) -> None:
        super().__init__(Sentence("The device's card is full. Delete mail with large attachments."))


class BusyError(CourierError):
    """Another sync is running."""

    worth_retrying = False


class BudgetSpentError(CourierError):
    """The village has spent what it may spend today; the rest goes another day."""

    worth_retrying = False


def is_full(error: OSError) -> bool:
    """Whether there was no room on the disk."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}
