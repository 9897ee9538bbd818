# SPDX-License-Identifier: Apache-2.0
"""Who has written a letter that came through the relay: it is never shown as a neighbour's."""

import unicodedata
from collections.abc import Collection, Iterable

from mokanda_firmware.webmail.wording import lookalikes
from mokanda_wire.address import domains_of
from mokanda_wire.message import FAILED, Mailbox, Message

_SHORT = 26  # characters of an address in a list
# Domains that people trust, and that vouch for all of their mail: providers, aid, money. They are
# named as they were registered, so that no list has to tell where the domain of one begins.
_WELL_KNOWN = frozenset(
    (
        *("gmail.com", "google.com", "outlook.com", "outlook.fr", "hotmail.com", "hotmail.fr"),
        *("live.com", "live.fr", "msn.com", "microsoft.com", "yahoo.com", "yahoo.fr", "icloud.com"),
        *("apple.com", "facebook.com", "facebookmail.com", "whatsapp.com", "orange.fr"),
        *("orange.com", "airtel.com", "vodacom.cd", "who.int", "un.org", "undp.org", "unhcr.org"),
        *("unicef.org", "wfp.org", "worldbank.org", "icrc.org", "ifrc.org", "msf.org"),
        *("ecobank.com", "rawbank.com", "equitybcdc.cd", "ubagroup.com", "standardbank.com"),
        *("westernunion.com", "moneygram.com", "worldremit.com", "wave.com", "paypal.com"),
    )
)


def short(address: str) -> str:
    """An address as a list has room for it: its domain tells more than its beginning."""
    local, at, domain = address.rpartition("@")
    room = max(_SHORT - len(domain) - 1, 3)
    local = local if len(local) <= room else f"{local[: room - 1]}…"
    domain = domain if len(domain) <= _SHORT - 4 else f"…{domain[-(_SHORT - 5) :]}"
    return f"{local}{at}{domain}"


def poses(sender: Mailbox, domain: str, neighbours: Collection[str]) -> bool:
    """Whether somebody outside bears the name or address of a villager; `neighbours` are keys."""
    at_home = f"@{domain}"
    return (
        sender.address.lower().endswith(at_home)
        or at_home in unicodedata.normalize("NFKC", sender.name).lower()
        or lookalikes.key(sender.name) in neighbours
    )


def forged(message: Message, domain: str) -> str:
    """The domain that a letter seems not to be from, although it says so, and people trust it."""
    named = message.sender.address.lower().rpartition("@")[2]
    trusted = not _WELL_KNOWN.union((domain,)).isdisjoint(domains_of(named))
    return named if message.proof == FAILED and trusted else ""


def imitating(people: Iterable[Mailbox], domain: str) -> tuple[str, str] | None:
    """The first address that looks like one of a domain that people trust, and that domain."""
    for one in people:
        if trusted := lookalikes.imitated(one.address, _WELL_KNOWN.union((domain,))):
            return one.address, trusted
    return None
