# SPDX-License-Identifier: Apache-2.0
"""What a newer version sends does no harm to an older one, which keeps it until it is updated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest

from mokanda_wire import formats, items, reader, unknown
from mokanda_wire.bundle import (
    Bundle,
    BundleError,
    ContentRequest,
    Decoded,
    Denial,
    Event,
    Item,
    Mail,
    Residents,
    Stub,
    Unknown,
    decode,
    encode,
)
from mokanda_wire.formats import EXTENSIBLE, FORMAT
from mokanda_wire.history import History
from mokanda_wire.items import ItemsError
from mokanda_wire.limits import MAX_UNKNOWN, MAX_UNKNOWN_SIZE
from mokanda_wire.message import Mailbox, Message
from mokanda_wire.reader import Reader

NOW = datetime(2026, 3, 1, 2, 10, tzinfo=UTC)
NEW = Unknown("Nsomething new:\n1\t2\0", FORMAT)


def letter(message_id: str, **more: Any) -> Message:  # noqa: ANN401 - a field's value
    return Message(
        message_id=message_id,
        date=NOW - timedelta(hours=1),
        sender=Mailbox("jean@example.com"),
        to=(),
        cc=(),
        subject="Mbote",
        text="Ndenge nini?",
        **more,
    )


def sent(*sent_items: Item, bundle_format: int = FORMAT) -> bytes:
    bundle = Bundle("kimpese", "down", 1, NOW, sent_items)
    return encode(bundle, History(), bundle_format=bundle_format).data


def arrived(data: bytes) -> Decoded:
    return decode(data, History())


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A version that knows more kinds; undo it to get this one back."""
    monkeypatch.setitem(items.EVENT_LETTERS, "read", "q")  # type: ignore[misc]
    monkeypatch.setitem(items.CONTENT_REQUEST_LETTERS, "song", "g")  # type: ignore[misc]
    return monkeypatch


def test_all_around_an_unknown_item_arrives_as_if_it_were_not_there() -> None:
    one, two = Mail(("a@k.org",), letter("1@x")), Stub(("b@k.org",), letter("2@x"), 9)
    with_it, without = sent(one, NEW, two), sent(one, two)
    mail, new, stub = arrived(with_it).bundle.items
    assert new == NEW
    assert isinstance(mail, Mail)
    assert isinstance(stub, Stub)
    plain_mail, plain_stub = arrived(without).bundle.items
    assert isinstance(plain_mail, Mail)
    assert isinstance(plain_stub, Stub)
    assert (mail.message.date, stub.message.date) == (
        plain_mail.message.date,
        plain_stub.message.date,
    )
    tickets = encode(
        Bundle("kimpese", "down", 1, NOW, (one, NEW, two)), History(), bundle_format=FORMAT
    ).tickets
    assert (mail.ticket, stub.ticket) == tickets


def test_a_mail_with_an_unknown_field_arrives_and_the_field_is_told_with_its_ticket() -> None:
    fields = (Unknown("\x01xof one line", FORMAT), Unknown("\x01Xof\nseveral\n\0", FORMAT))
    [mail] = arrived(sent(Mail(("a@k.org",), letter("1@x"), unknown=fields))).bundle.items
    assert isinstance(mail, Mail)
    assert mail.message.text == "Ndenge nini?"
    assert [each.text for each in mail.unknown] == [each.text for each in fields]
    assert {each.ticket for each in mail.unknown} == {mail.ticket}
    assert [each.kind for each in unknown.unknown_in([mail])] == ["field x", "field X"]


def test_a_field_that_was_kept_is_read_when_it_is_known() -> None:
    kept = Unknown("\x01pf", FORMAT, ticket="abc")
    read = unknown.read_field(kept)
    assert read is not None
    assert read.proof == "failed"
    assert unknown.read_field(Unknown("\x01xnot yet", FORMAT, ticket="abc")) is None
    assert unknown.read_field(Unknown("\x01Xnot\nyet\n\0", FORMAT, ticket="abc")) is None


def test_after_an_event_of_an_unknown_kind_all_mails_have_their_numbers(
    newer: pytest.MonkeyPatch,
) -> None:
    event = Event("0@x", "jean@example.com", "read", NOW, "")  # type: ignore[arg-type]
    reply = letter("2@x", in_reply_to="1@x")
    sender = (event, Mail((), letter("1@x")), Mail((), reply))
    encoded = encode(Bundle("kimpese", "up", 1, NOW, sender), History(), bundle_format=FORMAT)
    newer.undo()
    decoded = arrived(encoded.data)
    kept, one, two = decoded.bundle.items
    assert isinstance(kept, Unknown)
    assert isinstance(one, Mail)
    assert isinstance(two, Mail)
    assert two.message.in_reply_to == one.message.message_id
    ends = [History(), History()]
    changes = [ends[0].append(encoded.record), ends[1].append(decoded.record)]
    assert History(changes[0].rows).tip == History(changes[1].rows).tip


def test_what_was_kept_is_read_when_its_kind_is_known(newer: pytest.MonkeyPatch) -> None:
    at = NOW + timedelta(minutes=5)
    newest = (
        Event("0@x", "jean@example.com", "read", at, "on a phone"),  # type: ignore[arg-type]
        ContentRequest("song", "malaika", "amina"),  # type: ignore[arg-type]
        ContentRequest("song", "malaika", "amina", withdrawn=True),  # type: ignore[arg-type]
        Denial("song", "malaika", "gone"),  # type: ignore[arg-type]
    )
    data = sent(*newest, Residents(("amina",)))
    newer.undo()
    *kept, residents = arrived(data).bundle.items
    assert residents == Residents(("amina",))
    assert unknown.kinds(unknown.unknown_in(kept)) == "Eq, Gg, Wg, wg"
    assert all(isinstance(each, Unknown) for each in kept)
    assert [unknown.read_again(each) for each in kept if isinstance(each, Unknown)] == [None] * 4
    newer.setitem(items.EVENT_LETTERS, "read", "q")  # type: ignore[misc]
    newer.setitem(items.CONTENT_REQUEST_LETTERS, "song", "g")  # type: ignore[misc]
    again = [unknown.read_again(each) for each in kept if isinstance(each, Unknown)]
    assert tuple(again) == newest


def test_an_item_of_a_new_kind_is_read_again_by_who_knows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(each: Reader) -> Item:
        return Residents(tuple(each._until("\0").split()))

    assert unknown.read_again(Unknown("Namina bako\0", FORMAT)) is None
    monkeypatch.setitem(reader._ITEMS, "N", read)
    assert unknown.read_again(Unknown("Namina bako\0", FORMAT)) == Residents(("amina", "bako"))


@pytest.mark.parametrize("text", ["Eq", "EqX\tb\n", "\0", "", "Namina"])
def test_what_is_no_item_is_not_read_again(text: str) -> None:
    with pytest.raises(ItemsError):
        unknown.read_again(Unknown(text, FORMAT))


@pytest.mark.parametrize("text", ["Nof no end", "\x7fcontrol\0", "1number\0", "énot ASCII\0"])
def test_what_is_no_item_of_any_version_is_refused(text: str) -> None:
    with pytest.raises(BundleError):
        sent(Unknown(text, FORMAT))


def test_nothing_unknown_is_written_for_a_reader_who_would_refuse_it() -> None:
    with pytest.raises(BundleError, match="pass over"):
        sent(NEW, bundle_format=EXTENSIBLE - 1)
    field = Unknown("\x01x", FORMAT)
    with pytest.raises(BundleError, match="pass over"):
        sent(Mail((), letter("1@x"), unknown=(field,)), bundle_format=EXTENSIBLE - 1)


def test_in_a_format_that_has_no_rule_for_it_what_is_unknown_is_damage() -> None:
    values = cbor2.loads(sent(NEW)[: -len(NEW.text)])
    assert values[0] == FORMAT
    older = cbor2.dumps([EXTENSIBLE - 1, *values[1:]]) + NEW.text.encode()
    with pytest.raises(BundleError, match="no kind"):
        arrived(older)


@pytest.mark.parametrize(
    ("bundle_format", "is_read"), [(EXTENSIBLE - 1, False), (EXTENSIBLE, True)]
)
def test_a_header_may_have_more_fields(bundle_format: int, is_read: bool) -> None:
    data = sent(bundle_format=bundle_format)
    longer = cbor2.dumps([*cbor2.loads(data), "more", 5])
    if is_read:
        assert arrived(longer).bundle.items == ()
    else:
        with pytest.raises(BundleError, match="header"):
            arrived(longer)


def test_of_what_is_kept_the_newest_stay() -> None:
    old = [Unknown(f"N{number}\0", FORMAT) for number in range(MAX_UNKNOWN)]
    kept = unknown.kept(old, [NEW])
    assert kept == [*old[1:], NEW]


def test_what_is_kept_has_so_many_bytes_at_most() -> None:
    large = Unknown(f"N{'é' * (MAX_UNKNOWN_SIZE // 4)}\0", FORMAT)
    assert unknown.kept([large, large], [NEW]) == [large, NEW]
    too_large = Unknown(f"N{'é' * MAX_UNKNOWN_SIZE}\0", FORMAT)
    assert unknown.kept([NEW], [too_large]) == [NEW]


def test_the_format_is_the_newest_that_both_know() -> None:
    assert formats.common(formats.OLDEST_FORMAT) == formats.OLDEST_FORMAT
    assert formats.common(FORMAT + 5) == FORMAT


def test_a_format_that_goes_without_saying_is_the_first() -> None:
    assert formats.announced(None) == 1
    assert formats.announced(formats.to_announce()) == FORMAT
