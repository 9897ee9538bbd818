# SPDX-License-Identifier: Apache-2.0
"""Mails that wait at the relay: shown as letters, and replaced by the mail when it comes."""

import sqlite3

from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.store import content_requests, messages
from mokanda_wire.bundle import Mail, Stub


def announce(connection: sqlite3.Connection, stub: Stub) -> list[str]:
    """Show its recipients that a mail waits; return those nobody here answers to."""
    nobody = entries.deliver(connection, stub.message, stub.recipients)
    if len(nobody) < len(stub.recipients):
        connection.execute(
            "INSERT OR REPLACE INTO stub (ticket, message, size) VALUES (?, ?, ?)",
            (stub.ticket, messages.insert(connection, stub.message), stub.size),
        )
    return nobody


def deliver(connection: sqlite3.Connection, mail: Mail) -> list[str]:
    """Deliver a mail, in the place of its stub where that still is; return as `entries.deliver`."""
    head = None
    if mail.stub:
        content_requests.fulfil(connection, "mail", mail.stub)
        head = connection.execute(
            "SELECT message FROM stub WHERE ticket = ?", (mail.stub,)
        ).fetchone()
    return entries.deliver(
        connection,
        mail.message,
        mail.recipients,
        ticket=mail.ticket,
        instead_of=None if head is None else head["message"],
    )
