# SPDX-License-Identifier: Apache-2.0
"""A device for tests: its own folder, the real mail store and the real courier."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.courier.run import run
from mokanda_firmware.mailbox.administration import housekeeping
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync.sessions import SessionRecord, last_sessions
from mokanda_wire import claimfile, durable
from mokanda_wire.claimfile import ClaimFile
from mokanda_wire.message import Attachment, Mailbox, Message, new_message_id
from tests.ready_made.mail_store import write_mail_store


def tidy(store: Store) -> None:
    """Do the housekeeping, and again an hour later: files go the second time."""
    housekeeping.tidy(store)
    housekeeping.tidy(store)


class Village:
    """A device whose folders the environment names; `told` is all that the courier said."""

    def __init__(self, claim: ClaimFile) -> None:
        self.claim = claim
        self.domain = claim.domain
        self.store = Store.of_device()
        self.told: list[tuple[str, float | None]] = []
        self.accounts: dict[str, int] = {}

    def import_claim(self, claim: ClaimFile | None = None) -> None:
        """Put the claim file where the setup service does."""
        durable.write(paths.claim(), claimfile.write(claim or self.claim).encode())

    def add_villager(self, name: str) -> int:
        """Add an account without the cost of a password."""
        with self.store.transaction() as connection:
            number = connection.execute(
                "INSERT INTO account (name, display_name, password, created) VALUES (?, ?, '', 0)",
                (name, name.title()),
            ).lastrowid
        assert number is not None
        self.accounts[name] = number
        return number

    def write(
        self,
        text: str,
        *,
        sender: str = "amina",
        to: str = "ada@example.org",
        files: dict[str, bytes] | None = None,
    ) -> Message:
        """Write a mail to the world, as the webmail does."""
        attachments = []
        for name, content in (files or {}).items():
            with self.store.incoming_attachment() as incoming:
                incoming.write(content)
                digest = incoming.keep()
            kind = "application/octet-stream"
            attachments.append(Attachment(name, kind, digest, len(content)))
        message = Message(
            message_id=new_message_id(self.domain),
            date=datetime.now(UTC).replace(microsecond=0),
            sender=Mailbox(f"{sender}@{self.domain}"),
            to=(Mailbox(to),),
            cc=(),
            subject=text[:40],
            text=text,
            attachments=tuple(attachments),
        )
        nobody = entries.submit(self.store, self.accounts[sender], message, here=[], outside=[to])
        assert nobody == []
        return message

    def texts(self, folder: str, name: str = "amina") -> list[str]:
        """The texts of all mail in a folder of a villager, the oldest first."""
        with self.store.reading() as connection:
            rows = connection.execute(
                "SELECT body.text FROM entry JOIN body ON body.message = entry.message"
                " WHERE account = ? AND folder = ? ORDER BY entry.id",
                (self.accounts[name], folder),
            )
            return [row["text"] for row in rows]

    def sync(self) -> SessionRecord:
        """Have the courier sync once."""
        return run(self.store, lambda *told: self.told.append(told))

    def sessions(self) -> list[SessionRecord]:
        """What the keeper sees, the latest first."""
        return last_sessions(self.store, 100)


@contextmanager
def a_village(
    claim: ClaimFile, relay_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Village]:
    """A device in `folder`, with two villagers and a claim that it has not used yet."""
    # A relay whose clock is wrong must not set that of the computer that tests.
    monkeypatch.setattr(time, "clock_settime", lambda _clock, _moment: None)
    for variable in ("DATA", "RUN", "SETUP"):
        place = folder / variable.lower()
        place.mkdir(parents=True)
        monkeypatch.setenv(f"MOKANDA_{variable}", str(place))
    write_mail_store(paths.mail_database())
    village = Village(claim._replace(relay=relay_url))
    village.import_claim()
    for name in ("amina", "bako"):
        village.add_villager(name)
    try:
        yield village
    finally:
        village.store.close()
