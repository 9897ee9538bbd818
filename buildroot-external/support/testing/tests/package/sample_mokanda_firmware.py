# SPDX-License-Identifier: Apache-2.0
import importlib
import pkgutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import mokanda_firmware
from mokanda_firmware.mailbox.letters import entries, folders
from mokanda_firmware.mailbox.people import accounts
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.webmail.languages import languages
from mokanda_firmware.zones import zone_of
from mokanda_wire.message import Mailbox, Message

path = mokanda_firmware.__path__
for module in pkgutil.walk_packages(path, "mokanda_firmware."):
    importlib.import_module(module.name)

assert {"en", "fr", "ln"} <= languages().keys()
assert zone_of("Africa/Kinshasa") is not UTC

ADDRESS = "awa@boende.example"
letter = Message(
    message_id="1@example.org",
    date=datetime(2026, 3, 1, tzinfo=UTC),
    sender=Mailbox("marie@example.org", "Marie"),
    to=(Mailbox(ADDRESS),),
    cc=(),
    subject="La récolte",
    text="Ndenge nini?",
)
with tempfile.TemporaryDirectory() as folder:
    store = Store(Path(folder, "mail.db"), Path(folder, "attachments"))
    awa = accounts.register(store, "awa", "Awa", "a long password", "ln")
    assert accounts.authenticate(store, "awa", "a long password") == awa
    assert accounts.authenticate(store, "awa", "another password") is None
    with store.transaction() as connection:
        assert entries.deliver(connection, letter, [ADDRESS]) == []
    store.close()

    store = Store(Path(folder, "mail.db"), Path(folder, "attachments"))
    for words, count in (("recol nini", 1), ("recol mbote", 0)):
        found = folders.search(store, awa.id, folders.Query(words)).lines
        assert [line.subject for line in found] == ["La récolte"] * count
    store.close()
