# SPDX-License-Identifier: Apache-2.0
"""Whether a mail is of whom it names as its writer, by what a provider found when it came in.

The provider says for which domains SPF and DKIM hold; the rule is DMARC's, with relaxed alignment:
one of them has to be of the writer's organisation. Where organisations begin the Public Suffix List
tells, of which the library brings its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from publicsuffixlist import PublicSuffixList

from mokanda_wire.message import FAILED, PASSED, Message

_SUFFIXES = PublicSuffixList()
_MAX_DOMAINS = 20
_MAX_DOMAIN = 253  # characters
# What SPF says where a domain disowns a mail; all else but "pass" is no more than silence.
_DISOWNED = {"fail", "softfail"}


@dataclass(frozen=True, slots=True)
class Checks:
    """What was found of a mail: which domains vouch for it, and whether one disowns it.

    `spam_score` counts as SpamAssassin does, None where nobody has counted.
    """

    vouching: tuple[str, ...] = ()
    disowned: bool = False
    spam_score: float | None = None

    @classmethod
    def of(cls, sender: str, spf: str, dkim: Iterable[tuple[str, str]]) -> Checks:
        """Read what SPF found of an envelope's sender, and DKIM of each domain that has signed."""
        signed = [(_domain(who), _word(result)) for who, result in dkim]
        spf = _word(spf)
        vouching = [domain for domain, result in signed if result == "pass"]
        if spf == "pass":
            vouching.append(_domain(sender))
        known = dict.fromkeys(each for each in vouching if 0 < len(each) <= _MAX_DOMAIN)
        disowned = spf in _DISOWNED or any(result == "fail" for _, result in signed)
        return cls(tuple(known)[:_MAX_DOMAINS], disowned)


UNCHECKED = Checks()


def proof(checks: Checks, message: Message) -> str:
    """Say PASSED, FAILED or "", where nothing is known, of a mail's writer.

    A mail that others alone vouch for is theirs, but for one of a list: that passes on what others
    have written, often changed, and is vouched for by the list.
    """
    if vouch(checks, message.sender.address):
        return PASSED
    if message.list_post and vouch(checks, message.list_post):
        return ""
    return FAILED if is_doubtful(checks, message.sender.address) else ""


def is_doubtful(checks: Checks, address: str) -> bool:
    """Whether a mail is disowned, or others vouch for it, and not the domain of this address."""
    return not vouch(checks, address) and bool(checks.disowned or checks.vouching)


def vouch(checks: Checks, address: str) -> bool:
    """Whether the domain of an address, or another of its organisation, vouches for the mail."""
    organisation = _organisation(_domain(address))
    return organisation is not None and any(
        _organisation(each) == organisation for each in checks.vouching
    )


def _organisation(domain: str) -> str | None:
    """The domain that was registered of this one; None for those like `co.uk`."""
    return _SUFFIXES.privatesuffix(domain) if len(domain) <= _MAX_DOMAIN else None


def _word(result: str) -> str:
    """A result without what may be said of it behind."""
    return "".join(result.lower().split(maxsplit=1)[:1])


def _domain(address: str) -> str:
    """The domain of an address; white space and the dot that it may end in are none of it."""
    return "".join(address.lower().rpartition("@")[2].split()).removesuffix(".")
