# SPDX-License-Identifier: Apache-2.0
"""The seam to who carries mail into the world: what is asked of them, and what may come of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from mokanda_relay.transport.dns import DnsSetup
from mokanda_relay.transport.webhook import Webhook
from mokanda_wire.message import Message


@dataclass(frozen=True, slots=True)
class Intent:
    """A mail that is to be sent now: the raw mail's digest, and its recipients in the world.

    `neighbours` are villagers in its head who have got it already. Its recipients have to see them,
    so that answers reach them too; whoever cannot name somebody without sending to them may do so:
    what comes back is known (transport/inbound.py).
    """

    id: str
    digest: str
    recipients: tuple[str, ...]
    neighbours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken the mail."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never take the mail."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The provider has surely not taken the mail, and may later; `pause` if it says when."""

    reason: str
    pause: dt.timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The provider may have taken the mail."""

    reason: str


Outcome = Accepted | Refused | NotTaken | Unknown


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """What a provider tells of a mail that it has taken: at least, that it has.

    Attributes:
        intent_id: of the mail's intent.
        recipient: of whom it tells; letters may have changed their case. "" for all.
        kind: what became of the mail there; None for what is of no matter to its writer.
        reason: why it bounced.
        at: when that was, if the provider says so.
    """

    intent_id: str
    recipient: str = ""
    kind: Literal["delivered", "bounced"] | None = None
    reason: str = ""
    at: dt.datetime | None = None


RecordEvents = Callable[[Iterable[DeliveryEvent]], None]


class Transport(Protocol):
    """Carries mail into the world.

    Attributes:
        max_recipients: of one mail that it is handed. 1 if it learns of each recipient apart, as
            SMTP does: an outcome is that of them all.
        max_bytes: of the raw mail.
        missing_setting: without which it cannot send, and mail waits; "" when it can.
    """

    max_recipients: int
    max_bytes: int
    missing_setting: str

    def send(self, intent: Intent, message: Message, contents: Mapping[str, bytes]) -> Outcome:
        """Send a mail to the intent's recipients, and to nobody else but its neighbours.

        Never raises for what the network or the provider does. Any number of threads may call it.

        Args:
            intent: its id has to come back with the events of the mail.
            message: the mail.
            contents: of its attachments, by digest.
        """

    def webhooks(self) -> Sequence[Webhook]:
        """Those that bring events; each event goes to the RecordEvents that this was made with.

        Raises:
            SettingsError: a setting that they need makes no sense.
        """

    def dns(self, domain: str) -> DnsSetup:
        """What lets it send mail from this domain."""
