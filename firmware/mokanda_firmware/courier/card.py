# SPDX-License-Identifier: Apache-2.0
"""This card among its copies: the relay's mark on it, and whether another one calls.

The mark is no part of the mail store: a backup does not have it, and it stays where one is
restored. So it changes hands only with the card, or an image of it.
"""

from datetime import UTC, datetime

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import set_setting, setting
from mokanda_wire import durable, protocol

SERVED = Sentence(
    "This one is served, and the other gets no mail. Find the other device and switch it off. If"
    " that is the right one, ask the relay's operator to choose it."
)
_OTHER = "courier_other_card"  # when it last called; a setting of the store that only this one uses


def mark() -> bytes:
    """What the relay has given this card last; empty where there is nothing, or not to be read."""
    try:
        return paths.card_mark().read_bytes()[: protocol.CARD]
    except OSError:
        return b""


def keep(given: bytes | None) -> None:
    """Keep what the relay has given this card, before it is said: on the disk when this returns.

    Raises:
        OSError: it cannot be kept; what was given before is good, too.
    """
    if given is not None:  # an older relay gives nothing
        durable.write(paths.card_mark(), given)


def note_other(store: Store, called: datetime | None) -> None:
    """Note when a copy of this card has last called; None if the relay knows of none."""
    seconds = called and int(called.timestamp())
    if seconds != setting(store, _OTHER, None):
        set_setting(store, _OTHER, seconds)


def other(store: Store) -> datetime | None:
    """Return when a copy of this card has last called, as far as the relay has told."""
    seconds = setting(store, _OTHER, None)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
