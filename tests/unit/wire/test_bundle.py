# SPDX-License-Identifier: Apache-2.0
import base64
import contextlib
import dataclasses
import os
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mokanda_wire import bundle as bundles
from mokanda_wire import codec, formats
from mokanda_wire.bundle import (
    BOARD,
    Blocked,
    Bundle,
    BundleError,
    ContentRequest,
    Denial,
    Event,
    Filter,
    Grant,
    HistoryUnknownError,
    Item,
    Limits,
    Mail,
    Report,
    Residents,
    Stub,
    decode,
)
from mokanda_wire.history import START, History, Record, Row, applied
from mokanda_wire.items import ItemsError
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of
from mokanda_wire.reader import Reader
from mokanda_wire.text import clean, one_line

encode = partial(bundles.encode, bundle_format=formats.FORMAT)

NOW = datetime(2026, 3, 1, 2, 10, tzinfo=UTC)
AMINA = Mailbox("amina@kimpese.example.org", "Amina")
JEAN = Mailbox("jean@example.com", "Jean, <the> elder")
NOTE = b"Mbote na yo"
PHOTO = os.urandom(1000)


def attached(name: str, media_type: str, content: bytes) -> Attachment:
    return Attachment(name, media_type, digest_of(content), len(content))


LETTER = Message(
    message_id="letter@example.com",
    date=NOW - timedelta(hours=2),
    sender=JEAN,
    to=(AMINA,),
    cc=(),
    subject="La récolte",
    text="Bonjour Amina,\n> \n> > comment va la récolte ?\n\nJean\n",
    attachments=(attached("note.txt", "text/plain", NOTE), attached("p.jpg", "image/jpeg", PHOTO)),
)


def down(*items: Item, sequence: int = 1, contents: Mapping[str, bytes] | None = None) -> Bundle:
    return Bundle("kimpese", "down", sequence, NOW, items, contents or {})


def mails(bundle: Bundle) -> list[Mail]:
    return [item for item in bundle.items if isinstance(item, Mail)]


class End:
    """One end's history, kept as its store would."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    @property
    def history(self) -> History:
        return History(self.rows)

    def append(self, record: bytes) -> None:
        self.rows = applied(self.rows, self.history.append(record))

    def restart(self) -> None:
        self.rows = applied(self.rows, self.history.restart())


def send(bundle: Bundle, sender: End, receiver: End) -> Bundle:
    """One bundle's whole way, and both histories after it."""
    encoded = encode(bundle, sender.history)
    decoded = decode(encoded.data, receiver.history)
    sender.append(encoded.record)
    receiver.append(decoded.record)
    assert sender.history.tip == receiver.history.tip
    return decoded.bundle


def test_a_mail_arrives_as_it_was_but_for_its_message_id() -> None:
    mail = Mail(("amina@kimpese.example.org", "grace@kimpese.example.org"), LETTER)
    sent = down(mail, contents={digest_of(NOTE): NOTE, digest_of(PHOTO): PHOTO})
    received = decode(encode(sent, History()).data, History()).bundle
    message_id = mails(received)[0].message.message_id
    assert message_id.endswith("@example.com")
    arrived = LETTER._replace(message_id=message_id)
    assert received == dataclasses.replace(
        sent, items=(dataclasses.replace(mail, message=arrived),)
    )


def test_items_of_every_kind_arrive() -> None:
    sent = Bundle(
        "kimpese",
        "up",
        9,
        NOW,
        (
            Residents(("amina", "grace")),
            Report({"version": "0.1.0", "signal": 71, "errors": ["é\n"], "free": None}),
            Event("x@y", "jean@example.com", "bounced", NOW, "no such person"),
            Filter(("amina", "mama"), {"blocked": ["offers@shop.example", "é\n\0"]}),
            Filter((), {"spam": 4.5, "day": {"from": 6, "to": 21, "zone": "Africa/Kinshasa"}}),
            Blocked({"amina": 12, "bako": 1}),
            Blocked({}),
            ContentRequest("blocked", "amina", "amina"),
            ContentRequest("unsubscribe", "ticket", "amina"),
            Denial("unsubscribe", "ticket", "done"),
        ),
    )
    assert decode(encode(sent, History()).data, History()).bundle == sent


@pytest.mark.parametrize("item", [Filter((), {}), Blocked({}), ContentRequest("blocked", "amina")])
def test_what_readers_of_the_first_format_do_not_know_is_not_written_for_them(item: Item) -> None:
    with pytest.raises(BundleError, match="does not pass over this"):
        bundles.encode(down(item), History(), bundle_format=1)


def test_whether_one_can_unsubscribe_arrives() -> None:
    sent = Mail(("amina@kimpese.example.org",), LETTER._replace(can_unsubscribe=True))
    (mail,) = mails(decode(encode(down(sent), History()).data, History()).bundle)
    assert mail.message.can_unsubscribe


LIST = "liste@lists.example.com"


@pytest.mark.parametrize("proof", ["passed", "failed", ""])
def test_what_the_relay_knows_of_a_mails_people_arrives(proof: str) -> None:
    message = LETTER._replace(attachments=(), proof=proof, list_post=LIST, others=9)
    received = decode(encode(down(Mail((), message)), History()).data, History()).bundle
    arrived = mails(received)[0].message
    assert (arrived.proof, arrived.list_post, arrived.others) == (proof, LIST, 9)


def test_a_list_that_is_among_the_people_of_a_mail_takes_no_bytes() -> None:
    plain = LETTER._replace(attachments=(), cc=(Mailbox(LIST),))
    of_list = plain._replace(list_post=LIST)
    sizes = {len(encode(down(Mail((), each)), History()).data) for each in (plain, of_list)}
    assert len(sizes) == 1


def test_a_reader_of_the_first_format_is_not_told_who_wrote_a_mail() -> None:
    plain = LETTER._replace(attachments=())
    told = plain._replace(proof="passed", list_post=LIST, others=9)
    first, second = (
        bundles.encode(down(Mail((), each)), History(), bundle_format=1).data
        for each in (plain, told)
    )
    assert first == second


def test_a_proof_of_a_later_version_is_none() -> None:
    text = "Ma@b\n0\na@b\n+\n\n\ns\n\x01pz\n\0"
    reader = Reader(NOW, History(), History().generation(START), b"", formats.FORMAT)
    [mail] = reader.read(text, [], max_items=1, max_text=100)
    assert isinstance(mail, Mail)
    assert mail.message.proof == ""


def test_an_attachment_that_the_other_end_holds_is_only_named() -> None:
    mail = Mail(("amina@kimpese.example.org",), LETTER)
    received = decode(encode(down(mail), History()).data, History()).bundle
    assert mails(received)[0].message.attachments == LETTER.attachments
    assert received.contents == {}


SMALL = Attachment("a.png", "image/png", digest_of(PHOTO), 1000, "cid", digest_of(b"a"), 900_000)
HELD_BACK = Attachment("b.pdf", "application/pdf", digest_of(b"b"), 7, "", digest_of(b"b"), 7)


def test_a_smaller_picture_names_what_it_was_made_of() -> None:
    message = LETTER._replace(attachments=(SMALL, HELD_BACK))
    sent = down(Mail((), message), contents={digest_of(PHOTO): PHOTO})
    received = decode(encode(sent, History()).data, History()).bundle
    assert mails(received)[0].message.attachments == (SMALL, HELD_BACK)
    assert received.contents == sent.contents


def test_a_smaller_picture_that_the_other_end_holds_is_only_named() -> None:
    message = LETTER._replace(attachments=(SMALL,))
    received = decode(encode(down(Mail((), message)), History()).data, History()).bundle
    assert mails(received)[0].message.attachments == (SMALL,)


def test_a_stub_goes_ahead_of_its_mail_and_the_mail_names_it() -> None:
    device, relay = End(), End()
    head = LETTER._replace(to=(), text="", attachments=(), in_reply_to="0@example.com")
    ahead = encode(down(Stub(("amina@k.org",), head, 48_000)), relay.history)
    arrived = decode(ahead.data, device.history)
    relay.append(ahead.record)
    device.append(arrived.record)
    (stub,) = arrived.bundle.items
    assert isinstance(stub, Stub)
    assert (stub.size, stub.recipients, stub.message.subject) == (
        48_000,
        ("amina@k.org",),
        "La récolte",
    )
    assert stub.ticket == ahead.tickets[0]
    (mail,) = mails(send(down(Mail((), LETTER, stub.ticket), sequence=2), relay, device))
    assert mail.stub == stub.ticket
    assert mail.message.message_id == stub.message.message_id


@pytest.mark.parametrize("proof", ["passed", "failed", ""])
def test_what_is_known_of_a_stubs_writer_arrives(proof: str) -> None:
    head = LETTER._replace(text="", attachments=(), proof=proof)
    sent = down(Stub((), head, 9), Mail((), LETTER._replace(attachments=())))
    encoded = encode(sent, History())
    received = decode(encoded.data, History(), measured=True)
    stub, mail = received.bundle.items
    assert isinstance(stub, Stub)
    assert (stub.message.proof, stub.size) == (proof, 9)
    assert isinstance(mail, Mail)
    assert received.costs == encoded.costs


def test_a_stub_of_the_first_format_has_no_proof() -> None:
    head = LETTER._replace(text="", attachments=())
    plain, proven = (
        bundles.encode(down(Stub((), each, 9)), History(), bundle_format=1).data
        for each in (head, head._replace(proof="failed"))
    )
    assert plain == proven


def test_a_proof_without_its_stub_is_damage() -> None:
    reader = Reader(NOW, History(), History().generation(START), b"", formats.FORMAT)
    with pytest.raises(ItemsError, match="of no stub"):
        reader.read("Pf\0", [], max_items=1, max_text=100)


def test_both_ends_call_mails_and_stubs_by_the_same_tickets() -> None:
    items = (Mail((), LETTER), Residents(()), Stub((), LETTER, 1), Mail((), LETTER))
    encoded = encode(down(*items), History())
    received = decode(encoded.data, History()).bundle.items
    tickets = [item.ticket for item in received if isinstance(item, Mail | Stub)]
    assert tuple(tickets) == encoded.tickets
    assert len(set(tickets)) == 3
    assert encode(down(*items, sequence=2), History()).tickets != encoded.tickets


def test_requests_and_their_answers_arrive() -> None:
    raw = b"From: a@b\r\n\r\nMbote"
    items = (
        ContentRequest("file", digest_of(b"a"), "amina"),
        ContentRequest("file", digest_of(b"a"), "amina", withdrawn=True),
        ContentRequest("mail", "abc234", "grace"),
        ContentRequest("original", "abc234"),
        Grant(digest_of(raw), len(raw), "abc234"),
        Grant(digest_of(b"held"), 4, "abd234"),
        Grant(digest_of(b"a"), 1),
        Denial("file", digest_of(b"b"), "gone"),
    )
    sent = down(*items, contents={digest_of(raw): raw, digest_of(b"a"): b"a"})
    assert decode(encode(sent, History()).data, History()).bundle == sent


@given(
    st.text(alphabet="MHERSWwOGNfmosdbra0123456789+-=:?@<> \t\n\0\x01\x02\x03\x04é", max_size=60)
)
@settings(deadline=None, max_examples=1000)
def test_any_text_is_items_or_refused(text: str) -> None:
    reader = Reader(NOW, History(), History().generation(START), b"seed", formats.FORMAT)
    with contextlib.suppress(ItemsError):
        reader.read(text, [], max_items=100, max_text=1000)


@pytest.mark.parametrize("where", ["", "?", "1", "x:1", "?x", f"?{'A' * 43}=:-1", f"0?{'A' * 43}="])
def test_an_attachment_that_is_nowhere_is_refused(where: str) -> None:
    text = f"Ma@b\n0\na@b\n+\n\n\ns\n\x01a{where}\tn\tt/t\t\n\0"
    with pytest.raises(ItemsError):
        Reader(NOW, History(), History().generation(START), b"", formats.FORMAT).read(
            text, [], max_items=9, max_text=9
        )


def test_html_and_reply_to_arrive() -> None:
    message = LETTER._replace(html="<p>Bonjour\n</p>", reply_to=(AMINA, JEAN))
    message = message._replace(automatic=True)
    received = decode(encode(down(Mail((), message)), History()).data, History()).bundle
    assert mails(received)[0].message.html == message.html
    assert mails(received)[0].message.reply_to == message.reply_to
    assert mails(received)[0].message.automatic


def test_a_reply_refers_to_what_each_end_calls_the_mail() -> None:
    device, relay = End(), End()
    seen = send(down(Mail(("amina@kimpese.example.org",), LETTER)), relay, device)
    received = mails(seen)[0].message
    reply = Message(
        "reply@kimpese", NOW, AMINA, (JEAN,), (), "Re: La récolte", "Malamu",
        in_reply_to=received.message_id, references=(received.message_id,),
    )  # fmt: skip
    up = Bundle("kimpese", "up", 1, NOW, (Mail(("jean@example.com",), reply),))
    forwarded = mails(send(up, device, relay))[0].message
    assert forwarded.in_reply_to == "letter@example.com"
    assert forwarded.message_id.endswith("@kimpese.example.org")
    event = Event(forwarded.message_id, "jean@example.com", "sent", NOW, "")
    (told,) = send(down(event, sequence=2), relay, device).items
    assert told == event._replace(message_id="reply@kimpese")


def test_references_survive_a_restart_of_both_histories() -> None:
    device, relay = End(), End()
    received = mails(send(down(Mail((), LETTER)), relay, device))[0].message
    device.restart()
    relay.restart()
    reply = LETTER._replace(
        message_id="r@x", sender=AMINA, attachments=(), in_reply_to=received.message_id
    )
    up = Bundle("kimpese", "up", 1, NOW, (Mail((), reply), Mail((), reply)))
    first, second = mails(send(up, device, relay))
    assert first.message.in_reply_to == second.message.in_reply_to == "letter@example.com"
    assert first.message.message_id == second.message.message_id


def test_a_thread_stays_one_through_mails_that_the_village_never_saw() -> None:
    device, relay = End(), End()
    first = LETTER._replace(message_id="1@x", in_reply_to="unseen@x", attachments=())
    second = first._replace(message_id="2@x", references=("root@x", "unseen@x"))
    one = mails(send(down(Mail((), first)), relay, device))[0].message
    two = mails(send(down(Mail((), second), sequence=2), relay, device))[0].message
    assert one.in_reply_to == two.in_reply_to
    assert one.in_reply_to not in ("", one.message_id, two.message_id)


def test_the_same_mail_for_another_villager_is_known_again() -> None:
    device, relay = End(), End()
    (one,) = mails(send(down(Mail(("amina@k.org",), LETTER)), relay, device))
    (two,) = mails(send(down(Mail(("grace@k.org",), LETTER), sequence=2), relay, device))
    assert one.message == two.message


def test_history_makes_a_bundle_smaller() -> None:
    device, relay = End(), End()
    text = " ".join(f"mot{n}" for n in range(300))
    letter = LETTER._replace(text=text, attachments=())
    bundle = down(Mail((), letter))
    before = len(encode(bundle, relay.history).data)
    send(bundle, relay, device)
    again = letter._replace(message_id="other@example.com")
    assert len(encode(down(Mail((), again)), relay.history).data) < before / 4


def test_a_bundle_frozen_before_another_was_applied_is_still_read() -> None:
    device, relay = End(), End()
    send(down(Mail((), LETTER)), relay, device)
    frozen = encode(down(Mail((), LETTER), sequence=2), relay.history)
    reply = LETTER._replace(message_id="r@x", attachments=())
    send(Bundle("kimpese", "up", 1, NOW, (Mail((), reply),)), device, relay)
    arrived = decode(frozen.data, device.history)
    relay.append(frozen.record)
    device.append(arrived.record)
    assert device.history.tip == relay.history.tip


def test_another_history_is_noticed_before_anything_is_read() -> None:
    device, relay = End(), End()
    send(down(Mail((), LETTER)), relay, device)
    with pytest.raises(HistoryUnknownError):
        decode(encode(down(Mail((), LETTER)), relay.history).data, History())


def test_histories_that_start_over_agree_again() -> None:
    device, relay = End(), End()
    send(down(Mail((), LETTER)), relay, device)
    relay.restart()
    device.restart()
    send(down(Mail((), LETTER), sequence=2), relay, device)
    send(down(Mail((), LETTER), sequence=3), relay, device)


def words(least: int = 0) -> st.SearchStrategy[str]:
    return st.text(max_size=12, min_size=least)


mailboxes = st.builds(Mailbox, address=words(1), name=words())
contents = st.binary(max_size=50)


Drawn = tuple[Message, dict[str, bytes]]


@st.composite
def letters(draw: st.DrawFn) -> Drawn:
    files = draw(st.lists(contents, max_size=3))
    message = Message(
        message_id=draw(st.sampled_from(["a@x", "b@x", "c@x", "é@x"])),
        date=NOW + timedelta(seconds=draw(st.integers(-(10**9), 10**9))),
        sender=draw(mailboxes),
        to=draw(st.lists(mailboxes, max_size=3).map(tuple)),
        cc=draw(st.lists(mailboxes, max_size=3).map(tuple)),
        subject=draw(words()),
        text=draw(st.text()),
        html=draw(words()),
        reply_to=draw(st.lists(mailboxes, max_size=2).map(tuple)),
        in_reply_to=draw(st.sampled_from(["", "a@x", "d@x"])),
        references=draw(st.lists(st.sampled_from(["a@x", "b@x", "e@x"]), max_size=5).map(tuple)),
        attachments=tuple(attached(draw(words()), draw(words()), each) for each in files),
        automatic=draw(st.booleans()),
    )
    return message, {digest_of(each): each for each in files}


def tidy(boxes: Iterable[Mailbox]) -> list[tuple[str, str]]:
    """Mailboxes as the wire carries them: no spaces in an address, a name in one line."""
    return [("".join(clean(box.address).split()), one_line(clean(box.name))) for box in boxes]


@given(st.lists(letters(), max_size=4))
@settings(deadline=None)
def test_whatever_a_mail_holds_arrives(drawn: list[Drawn]) -> None:
    items = tuple(Mail(("amina@k.org",), message) for message, _ in drawn)
    files = {digest: each for _, found in drawn for digest, each in found.items()}
    received = decode(encode(down(*items, contents=files), History()).data, History()).bundle
    assert received.contents == files
    for item, (sent, _) in zip(mails(received), drawn, strict=True):
        got = item.message
        assert got.text == clean(sent.text)
        assert got.html == clean(sent.html)
        assert got.subject == one_line(clean(sent.subject))
        assert got.date == sent.date
        assert tidy(got.to) == tidy(sent.to)
        assert [each.digest for each in got.attachments] == [
            each.digest for each in sent.attachments
        ]


@given(st.lists(letters(), max_size=4))
@settings(deadline=None)
def test_both_ends_agree_on_what_each_item_costs(drawn: list[Drawn]) -> None:
    items = tuple(Mail(("amina@k.org",), message) for message, _ in drawn)
    files = {digest: each for _, found in drawn for digest, each in found.items()}
    encoded = encode(down(*items, contents=files), History())
    decoded = decode(encoded.data, History(), measured=True)
    assert decoded.costs == encoded.costs
    assert len(encoded.costs) == len(items)
    assert sum(encoded.costs) <= len(encoded.data)


def test_an_item_costs_what_its_text_and_its_files_take() -> None:
    noise = Mail(("amina@k.org",), LETTER._replace(text="", attachments=()))
    quoted = "".join(f"> line {number}\n" for number in range(400))
    first = noise.message._replace(message_id="1@x", text=quoted)
    again = noise.message._replace(message_id="2@x", text=quoted)
    photo = noise.message._replace(
        message_id="3@x", attachments=(attached("p.jpg", "image/jpeg", PHOTO),)
    )
    items = [dataclasses.replace(noise, message=each) for each in (first, again, photo, photo)]
    encoded = encode(down(*items, contents={digest_of(PHOTO): PHOTO}), History())
    costs = encoded.costs
    assert costs[1] < costs[0] / 4  # what was said before costs little
    assert len(PHOTO) <= costs[2] < len(PHOTO) + 200
    assert costs[3] < 200  # the same photo again
    assert 0 < len(encoded.data) - sum(costs) < 150  # the header, and the encoder's last bytes


def noise(seed: int) -> bytes:
    """Text of which pyppmd 1.3.1 cannot read what it writes."""
    chance = random.Random(seed)
    mails = [
        b"Mx@y\n0\nada@example.org\n+\namina@kitenge.example\n\nMbote\n"
        + base64.b64encode(chance.randbytes(2250))
        + b"\0"
        for _ in range(chance.randrange(0, 70))
    ]
    return b"".join(mails)


def test_what_the_codec_cannot_read_goes_without_the_history() -> None:
    device, relay = End(), End()
    record = Record(noise(10_000_127), ()).dump()
    for end in (device, relay):
        end.append(record)
    for sequence in (1, 2):
        mail = Mail(("amina@k.org",), LETTER._replace(message_id=f"{sequence}@x"))
        sent = dataclasses.replace(down(mail), sequence=sequence)
        assert mails(send(sent, relay, device))[0].message.text == LETTER.text


def test_what_the_codec_can_never_read_goes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "survives", lambda *_: False)
    mail = Mail(("amina@k.org",), LETTER)
    received = decode(encode(down(mail), History()).data, History(), measured=True)
    assert mails(received.bundle)[0].message.text == LETTER.text


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        decode(data, History())


SAMPLE = encode(
    down(Mail(("amina@k.org",), LETTER), contents={digest_of(NOTE): NOTE, digest_of(PHOTO): PHOTO}),
    History(),
).data


@given(st.integers(0, len(SAMPLE) - 1), st.integers(1, 255))
@settings(deadline=None)
def test_a_damaged_bundle_is_read_or_refused(position: int, change: int) -> None:
    damaged = bytearray(SAMPLE)
    damaged[position] ^= change
    with contextlib.suppress(BundleError):
        decode(bytes(damaged), History())


def test_a_cut_bundle_is_refused() -> None:
    for end in range(0, len(SAMPLE), 13):
        with pytest.raises(BundleError):
            decode(SAMPLE[:end], History())


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (Limits(text=50), "text"),
        (Limits(files=100), "files"),
        (Limits(file_count=1), "files"),
        (Limits(items=0), "items"),
    ],
)
def test_a_bundle_beyond_a_limit_is_refused_with_the_reason(limits: Limits, what: str) -> None:
    with pytest.raises(BundleError, match=what):
        decode(SAMPLE, History(), limits)


@pytest.mark.parametrize("unknown", [0, formats.FORMAT + 1, True, "2"])
def test_a_bundle_of_an_unknown_format_is_refused_with_the_reason(unknown: object) -> None:
    with pytest.raises(BundleError, match=f"format {unknown!r}"):
        decode(cbor2.dumps([unknown]), History())


def test_a_bomb_is_refused_before_memory_is_spent() -> None:
    message = LETTER._replace(text="a" * 1_000_000, attachments=())
    data = encode(down(Mail((), message)), History()).data
    assert len(data) < 5000
    with pytest.raises(BundleError, match="text"):
        decode(data, History(), Limits(text=500_000))


MANY = tuple(Mailbox(f"{n}@example.org") for n in range(2001))
MANY_FILES = tuple(attached(f"{n}.txt", "text/plain", b"%d" % n) for n in range(2001))
DEEP = "\n".join("> " * 50 + "x" for _ in range(200_000))  # 20 MB, of which 200 KB are written


@pytest.mark.parametrize(
    "mail",
    [
        Mail(tuple(box.address for box in MANY), LETTER),
        Mail((), LETTER._replace(to=MANY)),
        Mail((), LETTER._replace(cc=MANY)),
        Mail((), LETTER._replace(reply_to=MANY)),
        Mail((), LETTER._replace(attachments=MANY_FILES)),
        Mail((), LETTER._replace(text=DEEP)),
    ],
    ids=["recipients", "to", "cc", "reply-to", "attachments", "quotations"],
)
def test_nothing_is_written_that_its_reader_refuses(mail: Mail) -> None:
    with pytest.raises(BundleError):
        encode(down(mail), History())


def test_parts_of_a_second_move_no_date() -> None:
    bundle = dataclasses.replace(down(Mail((), LETTER)), created=NOW + timedelta(seconds=0.7))
    received = decode(encode(bundle, History()).data, History()).bundle
    assert mails(received)[0].message.date == LETTER.date


def test_too_much_text_is_refused_when_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "BOARD", Limits(text=10))
    with pytest.raises(BundleError, match="text"):
        encode(down(Mail((), LETTER)), History())


@pytest.mark.parametrize(
    "text",
    [
        "R" + "x " * 60_000 + "\n",
        ("M\n0\nx\n+\n" + "\t".join(["x"] * 2000) + "\n\n\n\0") * 30,
        'S{"a":"' + "x" * 300_000 + '"}\n',
        "M\n0\nx\n+\n\n\n\n\x04> > \x04x" + "\n" * 5_000_000 + "\0",
        "Es+\tx\t0\t\n" * 5001,
    ],
    ids=["residents", "mailboxes", "a report", "quotations", "events"],
)
def test_a_board_takes_no_more_parts_than_it_has_memory_for(text: str) -> None:
    reader = Reader(NOW, History(), History().generation(START), b"", formats.FORMAT)
    with pytest.raises(ItemsError):
        reader.read(text, [], max_items=BOARD.items, max_text=BOARD.text, max_parts=BOARD.parts)


def test_what_cannot_be_compressed_does_not_go_in_megabytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec, "survives", lambda *_: False)
    short, long = (
        down(*(Mail((), LETTER._replace(text="x" * 900_000)),) * count) for count in (1, 2)
    )
    assert len(encode(short, History()).data) > 900_000
    with pytest.raises(BundleError, match="not compressed"):
        encode(long, History())
