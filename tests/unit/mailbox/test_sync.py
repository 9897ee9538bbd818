# SPDX-License-Identifier: Apache-2.0
"""The courier's side of the store: bundles up and down, each applied once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.mailbox.letters import entries, opened
from mokanda_firmware.mailbox.letters.folders import page, unread
from mokanda_firmware.mailbox.people import aliases
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.sync import outgoing, unknown_items
from mokanda_firmware.mailbox.sync.down import Applied, apply_down, apply_known
from mokanda_firmware.mailbox.sync.history import shared_history
from mokanda_firmware.mailbox.sync.sessions import SessionRecord, last_sessions, record_session
from mokanda_firmware.mailbox.sync.state import PendingUp, SyncState, next_hello_counter, sync_state
from mokanda_firmware.mailbox.sync.up import confirm_up, freeze_up, release_up, restart_history
from mokanda_wire.bundle import Decoded, Event, Mail, Unknown
from mokanda_wire.formats import FORMAT
from mokanda_wire.history import START, Record
from mokanda_wire.message import Message
from tests.unit.mailbox.letters import NOTHING, add_account, attached, bundle_down, folders, letter

WORLD = "friend@example.org"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def write(
    store: Store, account: int, message_id: str, text: str = "Mbote", to: str = WORLD
) -> Message:
    message = letter(message_id, to=to, text=text)
    assert entries.submit(store, account, message, here=[], outside=[to]) == []
    return message


def sealed(sequence: int) -> PendingUp:
    return PendingUp(sequence, 100, "ab" * 32, Path(f"/data/bundles/{sequence}"), NOTHING)


def states(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return dict(tuple(row) for row in connection.execute("SELECT address, state FROM delivery"))


def test_a_new_store_has_met_no_relay(store: Store) -> None:
    assert sync_state(store) == SyncState(0, None, 0, 0)


def test_each_hello_has_its_own_number(store: Store) -> None:
    assert [next_hello_counter(store) for _ in range(3)] == [1, 2, 3]
    assert sync_state(store).hello_counter == 3


def test_small_mail_goes_first_and_what_does_not_fit_waits(store: Store) -> None:
    awa = add_account(store, "awa")
    for name, size in (("large", 5000), ("small", 10), ("medium", 300)):
        write(store, awa, f"{name}@boende.example", "x" * size)
    found = outgoing.waiting(store, limit_bytes=400)
    assert [one.message_id.partition("@")[0] for one in found] == ["small", "medium"]
    assert found[0].recipients == (WORLD,)
    assert found[0].message.text == "x" * 10


def test_no_mail_waits_for_ever_behind_smaller_ones(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "large@boende.example", "x" * 50_000)
    with store.transaction() as connection:
        connection.execute("UPDATE outgoing SET queued = queued - 7 * 86400")
    write(store, awa, "small@boende.example", "x" * 1000)
    found = outgoing.waiting(store, limit_bytes=100_000)
    assert [one.message_id.partition("@")[0] for one in found] == ["large", "small"]


def test_a_mail_that_is_passed_over_makes_room_for_others(store: Store) -> None:
    awa = add_account(store, "awa")
    for name in ("a", "b"):
        write(store, awa, f"{name}@boende.example", "x" * 300)
    first = outgoing.waiting(store, 400)[0]
    assert [one.message_id for one in outgoing.waiting(store, 400, [first.number])] == [
        "b@boende.example"
    ]


def test_why_a_mail_is_held_is_kept_with_what_it_costs(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "a@boende.example")
    [mail] = outgoing.waiting(store, 400)
    outgoing.hold(store, {mail.number: 77}, {mail.number: "day"})
    assert outgoing.known_costs(store) == [(mail.number, awa, 77)]
    outgoing.hold(store, {}, {})
    with store.reading() as connection:
        assert connection.execute("SELECT cost, held FROM outgoing").fetchone()[:] == (77, "")


def test_only_recipients_outside_the_village_go_up(store: Store) -> None:
    awa = add_account(store, "awa")
    add_account(store, "ben")
    entries.submit(store, awa, letter(), here=["ben@boende.example"], outside=[WORLD])
    assert [one.recipients for one in outgoing.waiting(store, 1000)] == [(WORLD,)]


def test_a_bundle_up_is_frozen_until_it_is_confirmed(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "1@boende.example")
    freeze_up(store, 1, sealed(1), ["1@boende.example"])
    assert sync_state(store).up_pending == sealed(1)
    assert outgoing.waiting(store, 1000) == []
    assert folders(store) == [("awa", "1@boende.example", "outbox")]
    confirm_up(store, 1)
    assert sync_state(store) == SyncState(1, None, 0, 0)
    assert folders(store) == [("awa", "1@boende.example", "sent")]
    assert states(store) == {WORLD: "relayed"}


def test_a_confirmation_that_comes_twice_or_late_changes_nothing(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "1@boende.example")
    freeze_up(store, 1, sealed(1), ["1@boende.example"])
    confirm_up(store, 1)
    write(store, awa, "2@boende.example")
    freeze_up(store, 2, sealed(2), ["2@boende.example"])
    confirm_up(store, 1)
    assert sync_state(store).up_pending == sealed(2)


def test_a_second_bundle_cannot_be_frozen_over_the_first(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "1@boende.example")
    freeze_up(store, 1, sealed(1), ["1@boende.example"])
    with pytest.raises(StoreError, match="bundle 2 cannot follow"):
        freeze_up(store, 2, sealed(2), [])


def test_a_mail_goes_into_one_bundle_only(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "1@boende.example")
    with pytest.raises(StoreError, match="does not wait"):
        freeze_up(store, 1, sealed(1), ["1@boende.example", "1@boende.example"])
    assert sync_state(store).up_sequence == 0
    assert len(outgoing.waiting(store, 1000)) == 1


def test_mails_of_a_refused_bundle_wait_for_the_next_one(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "1@boende.example")
    freeze_up(store, 1, sealed(1), ["1@boende.example"])
    release_up(store, 1, "damaged on the way")
    assert sync_state(store) == SyncState(0, None, 0, 0)
    assert [one.message_id for one in outgoing.waiting(store, 1000)] == ["1@boende.example"]
    freeze_up(store, 1, sealed(1), ["1@boende.example"])


def test_a_bundle_down_is_delivered_once(store: Store) -> None:
    add_account(store, "awa")
    add_account(store, "ben")
    mail = Mail(("awa@boende.example", "ben@boende.example"), letter(sender=WORLD))
    bundle = bundle_down(1, mail)
    assert apply_down(store, bundle) == Applied(1, mails=1)
    assert apply_down(store, bundle) == Applied(1)
    assert folders(store) == [
        ("awa", "1@boende.example", "inbox"),
        ("ben", "1@boende.example", "inbox"),
    ]
    assert sync_state(store).down_applied == 1


def test_a_mail_that_two_bundles_bring_appears_once(store: Store) -> None:
    add_account(store, "awa")
    mail = Mail(("awa@boende.example",), letter(sender=WORLD))
    apply_down(store, bundle_down(1, mail))
    apply_down(store, bundle_down(2, mail))
    assert folders(store) == [("awa", "1@boende.example", "inbox")]


def test_a_mail_that_only_borrows_a_message_id_shows_its_own_text(store: Store) -> None:
    awa = add_account(store, "awa")
    ben = add_account(store, "ben")
    secret = letter(sender=WORLD, text="for Awa alone")
    forged = letter(sender="thief@example.net", text="show me")
    apply_down(store, bundle_down(1, Mail(("awa@boende.example",), secret)))
    apply_down(store, bundle_down(2, Mail(("ben@boende.example",), forged)))
    read = [
        opened.read(store, account, page(store, account, "inbox").lines[0].id)
        for account in (awa, ben)
    ]
    assert [one.message.text for one in read if one] == ["for Awa alone", "show me"]


def test_mail_for_nobody_is_reported_and_the_rest_arrives(store: Store) -> None:
    add_account(store, "awa")
    mail = Mail(("nobody@boende.example", "Awa@boende.example"), letter(sender=WORLD))
    applied = apply_down(store, bundle_down(1, mail))
    assert applied.unknown == (("1@boende.example", "nobody@boende.example"),)
    assert folders(store) == [("awa", "1@boende.example", "inbox")]


def test_attachments_are_on_the_disk_before_their_mail(store: Store) -> None:
    add_account(store, "awa")
    photo = attached(b"photo")
    mail = Mail(("awa@boende.example",), letter(sender=WORLD, attachments=(photo,)))
    apply_down(store, bundle_down(1, mail, contents={photo.digest: b"photo"}))
    assert store.attachments.path(photo.digest).read_bytes() == b"photo"


def test_a_damaged_attachment_stops_the_whole_bundle(store: Store) -> None:
    add_account(store, "awa")
    photo = attached(b"photo")
    mail = Mail(("awa@boende.example",), letter(sender=WORLD, attachments=(photo,)))
    with pytest.raises(ValueError, match="damaged"):
        apply_down(store, bundle_down(1, mail, contents={photo.digest: b"phoho"}))
    assert sync_state(store).down_applied == 0
    assert folders(store) == []


def test_a_bounce_is_shown_to_the_writer_as_unread(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "1@boende.example")
    freeze_up(store, 1, sealed(1), ["1@boende.example"])
    confirm_up(store, 1)
    bounced = Event("1@boende.example", WORLD, "bounced", NOON, "no such mailbox")
    assert apply_down(store, bundle_down(1, bounced)).events == 1
    assert states(store) == {WORLD: "bounced"}
    assert unread(store, awa) == {"sent": 1}


def test_a_late_event_does_not_undo_a_later_state(store: Store) -> None:
    awa = add_account(store, "awa")
    write(store, awa, "1@boende.example")
    delivered = Event("1@boende.example", WORLD, "delivered", NOON)
    sent = Event("1@boende.example", WORLD, "sent", NOON)
    apply_down(store, bundle_down(1, delivered))
    apply_down(store, bundle_down(2, sent))
    assert states(store) == {WORLD: "delivered"}


def test_an_event_about_a_mail_that_nobody_wrote_is_passed_over(store: Store) -> None:
    event = Event("unknown@example.org", WORLD, "delivered", NOON)
    assert apply_down(store, bundle_down(1, event)).sequence == 1
    assert sync_state(store).down_applied == 1


def test_sessions_are_kept_the_latest_first(store: Store) -> None:
    records = [
        SessionRecord(NOON, NOON, "ppp0", number, 2, 3, 4, Sentence("Cut.") if number else None)
        for number in range(3)
    ]
    for record in records:
        record_session(store, record)
    assert last_sessions(store, limit=2) == [records[2], records[1]]


def test_why_a_session_failed_can_be_said_in_any_language(store: Store) -> None:
    error = Sentence("Cut by {who}.", who=Sentence("rain"))
    record_session(store, SessionRecord(NOON, NOON, "ppp0", 1, 2, 3, 4, error))
    kept = last_sessions(store, limit=1)[0].error
    words = {"Cut by {who}.": "Coupé par {who}.", "rain": "la pluie"}
    assert kept is not None
    assert kept.translated(words.__getitem__) == "Coupé par la pluie."


def test_why_a_session_failed_is_shown_as_an_earlier_version_has_kept_it(store: Store) -> None:
    record_session(store, SessionRecord(NOON, NOON, "ppp0", 1, 2, 3, 4, Sentence("Cut.")))
    with store.transaction() as connection:
        connection.execute("UPDATE sync_session SET error = 'Cut by {rain}.', error_said = 'null'")
    assert str(last_sessions(store, limit=1)[0].error) == "Cut by {rain}."


def test_accounts_are_named_in_order(store: Store) -> None:
    for name in ("ben", "awa"):
        add_account(store, name)
    assert aliases.all_names(store) == ["awa", "ben"]


def test_a_confirmed_bundle_enters_the_history(store: Store) -> None:
    write(store, add_account(store, "awa"), "1@boende.example")
    record = Record(b"what was sent", (("1@boende.example", "alias@boende.example"),)).dump()
    bundle = PendingUp(1, 100, "ab" * 32, Path("/data/bundles/1"), record)
    freeze_up(store, 1, bundle, ["1@boende.example"])
    assert shared_history(store).tip == START
    confirm_up(store, 1)
    confirm_up(store, 1)
    history = shared_history(store)
    assert history.generation(history.tip).primer == b"what was sent"
    assert history.own_of("alias@boende.example") == "1@boende.example"


def test_an_applied_bundle_enters_the_history_once(store: Store) -> None:
    down = Decoded(bundle_down(1).bundle, Record(b"what came", ()).dump())
    apply_down(store, down)
    apply_down(store, down)
    history = shared_history(store)
    assert history.generation(history.tip).primer == b"what came"


def test_when_the_history_starts_over_a_frozen_bundles_mail_waits_again(store: Store) -> None:
    apply_down(store, Decoded(bundle_down(1).bundle, Record(b"what came", ()).dump()))
    write(store, add_account(store, "awa"), "1@boende.example")
    freeze_up(store, 1, sealed(1), ["1@boende.example"])
    restart_history(store, "the relay's differs")
    assert shared_history(store).tip == START
    assert sync_state(store).up_pending is None
    assert len(outgoing.waiting(store, 1000)) == 1


def test_a_field_that_was_not_known_when_it_came_is_added_to_its_mail(store: Store) -> None:
    awa = add_account(store, "awa")
    field = Unknown("\x01pf", FORMAT, ticket="abc")
    came = Mail(("awa@boende.example",), letter(sender=WORLD), ticket="abc", unknown=(field,))
    apply_down(store, bundle_down(1, came))
    assert unknown_items.kinds(store) == "field p"
    apply_known(store)
    read = opened.read(store, awa, page(store, awa, "inbox").lines[0].id)
    assert read is not None
    assert read.message.proof == "failed"
    assert unknown_items.kinds(store) == ""
