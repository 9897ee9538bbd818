# SPDX-License-Identifier: Apache-2.0
"""Mail from the world that nobody here can be given: the operator is told."""

from __future__ import annotations

from sqlalchemy.orm import Session

from mokanda_relay.printable import one_line
from mokanda_relay.store import alerts

MAX_ADDRESS = 254  # characters; an address has no more (RFC 5321, 4.5.3.1.3)


def record(session: Session, sender: str, recipient: str, why: str, device_id: int | None) -> None:
    """Record that a mail cannot be delivered to a village's device, or to none (None)."""
    sender, recipient = one_line(sender, MAX_ADDRESS), one_line(recipient, MAX_ADDRESS)
    text = f"a mail from <{sender}> for <{recipient}>: {why}"
    alerts.record_daily(session, "undeliverable", text, device_id)
