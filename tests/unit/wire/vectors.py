# SPDX-License-Identifier: Apache-2.0
"""Test vectors of the wire format, for this and any other implementation (docs/wire.md).

`python -m tests.unit.wire.vectors` writes those of the newest format, when it is a new one: those
of the others never change.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mokanda_wire import bundle, formats, protocol, quoting
from mokanda_wire.bundle import (
    Blocked,
    Bundle,
    ContentRequest,
    Denial,
    Event,
    Filter,
    Grant,
    Mail,
    Report,
    Residents,
    Stub,
    Unknown,
)
from mokanda_wire.history import History, Record, Row, applied
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of

FILES = {
    1: Path(__file__).with_name("wire.json"),
    2: Path(__file__).with_name("wire-2.json"),
}
NOW = datetime(2026, 3, 1, 2, 10, tzinfo=UTC)
NOTE = b"Mbote na yo\n" * 3
PHOTO = bytes(range(256))
LETTER = Message(
    message_id="letter@example.com",
    date=NOW - timedelta(hours=2),
    sender=Mailbox("jean@example.com", "Jean Mbé"),
    to=(Mailbox("amina@kimpese.example.org", "Amina"),),
    cc=(Mailbox("bako@kimpese.example.org"),),
    subject="La récolte",
    text="Bonjour Amina,\n\n> > comment va la récolte ?\n> Bien.\n\nJean\n",
    reply_to=(Mailbox("famille@example.com"),),
    in_reply_to="unseen@example.com",
    references=("root@example.com", "unseen@example.com"),
    attachments=(
        Attachment("note.txt", "text/plain", digest_of(NOTE), len(NOTE)),
        Attachment("p.jpg", "image/jpeg", digest_of(PHOTO), len(PHOTO), "photo"),
        Attachment("held.pdf", "application/pdf", digest_of(b"held"), 4),
    ),
)
REPLY = Message(
    message_id="reply@kimpese.example.org",
    date=NOW + timedelta(hours=1),
    sender=Mailbox("amina@kimpese.example.org", "Amina"),
    to=(Mailbox("jean@example.com", "Jean Mbé"),),
    cc=(),
    subject="Re: La récolte",
    text="Bien.\n\n> Bonjour Amina,\n>\n> > > comment va la récolte ?\n> > Bien.\n",
    html="<p>Bien.</p>",
)
ALBUM = Message(
    message_id="album@example.com",
    date=NOW + timedelta(hours=20),
    sender=Mailbox("jean@example.com", "Jean Mbé"),
    to=(Mailbox("amina@kimpese.example.org", "Amina"),),
    cc=(),
    subject="Photos",
    text="Voici.",
    attachments=(
        # Made smaller, held back, and made smaller before so that the device holds it.
        Attachment("a.png", "image/png", digest_of(PHOTO), len(PHOTO), "", digest_of(b"a"), 900000),
        Attachment("b.pdf", "application/pdf", digest_of(b"b"), 70000, "", digest_of(b"b"), 70000),
        Attachment("c.jpg", "image/jpeg", digest_of(b"c"), 20000, "", digest_of(b"C"), 800000),
    ),
)
FILM = Message(
    message_id="film@example.com",
    date=NOW + timedelta(hours=21),
    sender=Mailbox("jean@example.com", "Jean Mbé"),
    to=(),
    cc=(),
    subject="Un film",
    text="",
    in_reply_to="album@example.com",
)


def make(bundle_format: int) -> dict[str, Any]:
    """Compute all vectors of a format."""
    relay: list[Row] = []
    device: list[Row] = []
    steps: list[dict[str, Any]] = []

    def send(sent: Bundle, sender: list[Row], reader: list[Row]) -> Bundle:
        encoded = bundle.encode(sent, History(sender), bundle_format=bundle_format)
        decoded = bundle.decode(encoded.data, History(reader))
        sender[:] = applied(sender, History(sender).append(encoded.record))
        reader[:] = applied(reader, History(reader).append(decoded.record))
        record = Record.load(decoded.record)
        tip = History(reader).tip
        steps.append(
            {
                "direction": sent.direction,
                "data": encoded.data.hex(),
                "text": record.text.hex(),
                "reader_ids": [list(pair) for pair in record.ids],
                "sender_ids": [list(pair) for pair in Record.load(encoded.record).ids],
                "tickets": list(encoded.tickets),
                "history_end": tip.end,
                "history_digest": tip.digest.hex(),
            }
        )
        return decoded.bundle

    mail = Mail(("amina@kimpese.example.org", "bako@kimpese.example.org"), LETTER)
    contents = {digest_of(NOTE): NOTE, digest_of(PHOTO): PHOTO}
    received = send(Bundle("kimpese", "down", 1, NOW, (mail,), contents), relay, device)
    (arrived,) = received.items
    assert isinstance(arrived, Mail)
    reply = REPLY._replace(in_reply_to=arrived.message.message_id)
    items = (
        Residents(("amina", "bako")),
        Report({"version": "0.1.0", "signal": 71}),
        Mail(("jean@example.com",), reply),
    )
    forwarded = send(Bundle("kimpese", "up", 1, NOW + timedelta(hours=2), items), device, relay)
    *_, sent = forwarded.items
    assert isinstance(sent, Mail)
    at = NOW + timedelta(hours=3)
    event = Event(sent.message.message_id, "jean@example.com", "bounced", at, "no such person")
    send(Bundle("kimpese", "down", 2, NOW + timedelta(hours=26), (event,)), relay, device)
    album = Mail(("amina@kimpese.example.org",), ALBUM)
    film = Stub(("amina@kimpese.example.org",), FILM, 3_000_000)
    photo = {digest_of(PHOTO): PHOTO}
    send(
        Bundle("kimpese", "down", 3, NOW + timedelta(hours=30), (album, film), photo), relay, device
    )
    first, second = steps[-1]["tickets"]
    requests = (
        ContentRequest("file", digest_of(b"a"), "amina"),
        ContentRequest("mail", second, "amina"),
        ContentRequest("original", first, "amina"),
        ContentRequest("file", digest_of(b"c"), "amina", withdrawn=True),
    )
    send(Bundle("kimpese", "up", 2, NOW + timedelta(hours=31), requests), device, relay)
    answers = (
        Mail(film.recipients, FILM._replace(text="Le voici."), second),
        Grant(digest_of(b"a"), 1),
        Grant(digest_of(b"raw"), 3, first),
        Denial("file", digest_of(b"b"), "gone"),
    )
    given = {digest_of(b"a"): b"a", digest_of(b"raw"): b"raw"}
    send(Bundle("kimpese", "down", 4, NOW + timedelta(hours=54), answers, given), relay, device)
    if bundle_format >= formats.EXTENSIBLE:
        unknown = Unknown("Nwhat a later version may say\0", bundle_format)
        field = Unknown("\x01xwhat a later version may say of a mail", bundle_format)
        extended = Mail(mail.recipients, LETTER._replace(attachments=()), unknown=(field,))
        at = NOW + timedelta(hours=78)
        send(Bundle("kimpese", "down", 5, at, (unknown, extended)), relay, device)
        of_list = FILM._replace(proof="passed", list_post="liste@lists.example.com")
        forged = LETTER._replace(attachments=(), proof="failed")
        listed = (Mail(mail.recipients, of_list), Mail(mail.recipients, forged))
        at = NOW + timedelta(hours=102)
        send(Bundle("kimpese", "down", 6, at, listed), relay, device)
        filters = (
            Filter((), {"spam": 4.5, "anew": True}),
            Filter(("amina", "mama"), {"blocked": ["shop.example"], "newsletters": True}),
            ContentRequest("blocked", "amina", "amina"),
            ContentRequest("unsubscribe", first, "amina"),
        )
        at = NOW + timedelta(hours=103)
        send(Bundle("kimpese", "up", 3, at, filters), device, relay)
        newsletter = Mail(mail.recipients, FILM._replace(can_unsubscribe=True))
        told = (
            Blocked({"amina": 12}),
            Denial("blocked", "amina", "done"),
            Denial("unsubscribe", first, "written"),
            newsletter,
        )
        at = NOW + timedelta(hours=126)
        send(Bundle("kimpese", "down", 7, at, told), relay, device)
        heads = [
            Stub(
                film.recipients, FILM._replace(message_id=f"{proof}@example.com", proof=proof), 700
            )
            for proof in ("passed", "failed")
        ]
        at = NOW + timedelta(hours=150)
        send(Bundle("kimpese", "down", 8, at, tuple(heads)), relay, device)
    hello = protocol.Hello(
        device="kimpese",
        counter=7,
        now=NOW,
        version="0.1.0",
        applied_down=1,
        up=protocol.Sealed(2, 1200, bytes(range(32))),
        history=History(device).tip,
        format=bundle_format if bundle_format > 1 else None,
    )
    secret = bytes(range(32))
    text = "Jean:\n> Amina:\n> > Mbote!\n> >\n> > Ndenge?\n> Malamu.\n\nBonjour"
    return {
        "bundles": steps,
        "hello": {
            "message": protocol.dump(hello).hex(),
            "secret": secret.hex(),
            "tagged": protocol.authenticate(
                protocol.dump(hello), secret, protocol.HELLO_LABEL
            ).hex(),
        },
        "quoting": {"text": text, "stripped": quoting.strip(text)},
    }


if __name__ == "__main__":
    text = json.dumps(make(formats.FORMAT), indent=1, ensure_ascii=True)
    FILES[formats.FORMAT].write_text(text + "\n", encoding="utf-8")
