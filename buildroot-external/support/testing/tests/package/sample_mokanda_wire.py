# SPDX-License-Identifier: Apache-2.0
import importlib
import pkgutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import mokanda_wire
from mokanda_wire import formats
from mokanda_wire.address import parse_address
from mokanda_wire.bundle import Bundle, Mail, decode, encode
from mokanda_wire.envelope import EnvelopeError, Keyring
from mokanda_wire.history import History
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of

for module in pkgutil.iter_modules(mokanda_wire.__path__, "mokanda_wire."):
    importlib.import_module(module.name)

assert parse_address("awa@löwe.example") == "awa@xn--lwe-sna.example"

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEXT = "".join(f"Mbote! Letter {number}.\n" for number in range(200))
FILE = bytes(range(256)) * 100
letter = Message(
    message_id="1@example.org",
    date=NOW,
    sender=Mailbox("marie@example.org", "Marie"),
    to=(Mailbox("awa@boende.example"),),
    cc=(),
    subject="La récolte",
    text=TEXT,
    attachments=(Attachment("a.bin", "a/b", digest_of(FILE), len(FILE)),),
)
mail = Mail(("awa@boende.example",), letter)
bundle = Bundle("boende", "down", 1, NOW, (mail,), {digest_of(FILE): FILE})
data = encode(bundle, History(), bundle_format=formats.FORMAT).data
assert len(data) < 2000  # by PPMd and by LZMA

with tempfile.TemporaryDirectory() as home, Keyring(Path(home)) as keys:
    relay, device = keys.create_key("relay"), keys.create_key("device")
    sealed = keys.seal(data, device, relay)
    opened = keys.open(sealed, relay)
    try:
        keys.open(sealed[:-1], relay)
    except EnvelopeError:
        pass
    else:
        raise AssertionError("an envelope that is cut was opened")

arrived = decode(opened, History()).bundle
(received,) = arrived.items
assert received.message.subject == "La récolte"
assert received.message.text == TEXT
assert arrived.contents == {digest_of(FILE): FILE}
