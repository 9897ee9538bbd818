# SPDX-License-Identifier: Apache-2.0
"""Blocking a writer, as several pages do: for one's account, or (None) for the village."""

import sqlite3

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.letters import stubs
from mokanda_firmware.mailbox.people import unwanted
from mokanda_firmware.webmail import typed
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit
from mokanda_wire.address import AddressError

_NO_WRITER = N_("This is no address, and nothing that stands behind the @ of one.")
_NEIGHBOUR = N_("Letters of people of the village cannot be blocked.")
_TOO_MANY = N_("{number} are blocked, and no more can be. Take one away first.")


def block(visit: Visit, account: int | None, writer: str) -> None:
    """Block a writer for an account, or (None) for the village; raises Refused."""
    try:
        with visit.store.transaction() as connection:
            unwanted.block(connection, account, writer)
            _note(connection, visit, account, f"+ {writer}")
    except unwanted.TooMany as error:
        raise Refused(409, _TOO_MANY, number=unwanted.MAX_BLOCKED) from error


def block_typed(visit: Visit, account: int | None) -> None:
    """Block whom the form names; raises Refused."""
    text = typed.plain(visit.form["writer"])
    _, opened, address = text.rpartition("<")  # with a name, as a letter shows it
    try:
        writer = unwanted.parse_writer(typed.bare(address if opened else text))
    except AddressError as error:
        raise Refused(422, _NO_WRITER) from error
    if visit.is_here(writer):
        raise Refused(422, _NEIGHBOUR)
    block(visit, account, writer)


def unblock(visit: Visit, account: int | None) -> None:
    """Block whom the form names no more."""
    writer = visit.form["writer"]
    with visit.store.transaction() as connection:
        stubs.unblock(connection, account, writer)
        _note(connection, visit, account, f"- {writer}")


def _note(connection: sqlite3.Connection, visit: Visit, account: int | None, what: str) -> None:
    if account is None:
        audit.record(connection, visit.villager.name, "unwanted", what)
