# SPDX-License-Identifier: Apache-2.0
"""What becomes of messages that came for the SIM card, whatever modem has brought them."""

import logging
from collections.abc import Collection, Iterable

from mokanda_firmware.modem import messages, networks, shop
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.messages import Part
from mokanda_wire.text import one_line

_log = logging.getLogger(__name__)


def names_of(imsi: str, operator: str) -> Collection[str]:
    """Return names under which the card's network writes, and numbers that we know as its own."""
    return (networks.name(imsi), operator, *shop.of(imsi).numbers())


def readable(part: Part, names: Collection[str]) -> Part:
    """Return it as people read it, marked if one of the network's `names` has sent it."""
    sender = one_line(messages.visible(part.sender))
    own = messages.is_of_network(sender, names)
    return part._replace(sender=sender, text=messages.visible(part.text), of_network=own)


def keep(parts: Iterable[Part], names: Collection[str], credit: Credit) -> bool:
    """Keep them, and look what the network says of the credit; whether they could be kept.

    Only then may they be deleted where they came from.
    """
    try:
        new = messages.add(list(parts))
    except OSError as error:
        _log.warning("messages stay with the modem: %s", error)
        return False
    for message in new:
        if messages.is_under(message.sender, names):  # other short numbers advertise
            credit.came(message)
    return True
