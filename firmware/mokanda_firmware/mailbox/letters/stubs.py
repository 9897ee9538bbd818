# SPDX-License-Identifier: Apache-2.0
"""Mails that wait at the relay: shown as letters, and replaced by the mail when it comes."""

import sqlite3

from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.people import unwanted
from mokanda_firmware.mailbox.store import content_requests, messages
from mokanda_wire.items import Mail, Stub
from mokanda_wire.message import Message


def announce(connection: sqlite3.Connection, stub: Stub) -> list[str]:
    """Show its recipients that a mail waits; return those nobody here answers to.

    A relay that has forgotten so may announce what is shown already, or here: then nothing changes
    but the name by which a villager asks for it.
    """
    if messages.same_head(connection, stub.message):
        connection.execute(
            "UPDATE stub SET ticket = ?, size = ? WHERE message = ?",
            (stub.ticket, stub.size, _shown(connection, stub.message)),
        )
        return entries.nobody(connection, stub.recipients)
    nobody = entries.deliver(connection, stub.message, stub.recipients)
    if len(nobody) < len(stub.recipients):
        connection.execute(
            "INSERT OR REPLACE INTO stub (ticket, message, size) VALUES (?, ?, ?)",
            (stub.ticket, messages.insert(connection, stub.message), stub.size),
        )
    return nobody


def deliver(connection: sqlite3.Connection, mail: Mail) -> list[str]:
    """Deliver a mail, in the place of its stub where that still is; return as `entries.deliver`."""
    head: int | None = None
    askers: list[int] = []
    if mail.stub:
        askers = content_requests.fulfil(connection, "mail", mail.stub)
        row = connection.execute(
            "SELECT message FROM stub WHERE ticket = ?", (mail.stub,)
        ).fetchone()
        head = row and row["message"]
    if head is None:
        head = _shown(connection, mail.message)
    if head is not None:
        for asker in askers:
            entries.take_out_of_trash(connection, asker, head)
    return entries.deliver(
        connection,
        mail.message,
        mail.recipients,
        ticket=mail.ticket,
        instead_of=head,
    )


def unblock(connection: sqlite3.Connection, account: int | None, writer: str) -> None:
    """Block a writer no more, for an account or (None) the village: stubs leave the trash."""
    unwanted.unblock(connection, account, writer)
    rows = connection.execute(
        "SELECT entry.account, entry.message, sender_address FROM entry JOIN stub USING (message)"
        " JOIN message ON message.id = entry.message"
        " WHERE folder = 'trash' AND (:account IS NULL OR account = :account)",
        {"account": account},
    ).fetchall()
    for row in rows:
        reader, address = row["account"], row["sender_address"]
        if unwanted.is_meant(address, {writer}) and not unwanted.is_blocked(
            connection, reader, address
        ):
            entries.take_out_of_trash(connection, reader, row["message"])


def _shown(connection: sqlite3.Connection, message: Message) -> int | None:
    """Return the stub with this head that the relay has forgotten, if there is one."""
    for number in messages.same_head(connection, message):
        if messages.is_stub(connection, number):
            return number
    return None
