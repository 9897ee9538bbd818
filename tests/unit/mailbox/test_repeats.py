# SPDX-License-Identifier: Apache-2.0
"""A relay that was restored from a copy: what it has forgotten goes again, and comes once."""

import dataclasses
from datetime import UTC, datetime

import pytest

from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_firmware.mailbox.sync.up import (
    confirm_up,
    forget_numbers,
    freeze_up,
    restart_history,
    send_forgotten,
)
from mokanda_wire.bundle import Event, Item, Mail, Stub
from tests.unit.mailbox.letters import add_account, attached, bundle_down, folders, letter
from tests.unit.mailbox.test_sync import WORLD, sealed, write

BEN = "ben@boende.example"
ADA = "ada@example.org"


def bring(store: Store, *items: Item) -> None:
    apply_down(store, bundle_down(sync_state(store).down_applied + 1, *items))


def send(store: Store, *message_ids: str) -> None:
    """Have a bundle with these mails applied by the relay."""
    sequence = sync_state(store).up_sequence + 1
    freeze_up(store, sequence, sealed(sequence), message_ids)
    confirm_up(store, sequence)


def waiting(store: Store) -> list[str]:
    return [each.message_id for each in outgoing.waiting(store, 10**6)]


@pytest.fixture
def awa(store: Store) -> int:
    """A villager who has sent two mails, in a bundle each."""
    awa = add_account(store, "awa")
    for name in ("first", "second"):
        write(store, awa, name)
        send(store, name)
    return awa


class TestGoingAgain:
    def test_the_mails_of_bundles_that_the_relay_does_not_know_wait_again(
        self, store: Store, awa: int
    ) -> None:
        assert awa
        assert send_forgotten(store, 1) == 1
        assert waiting(store) == ["second"]
        assert folders(store) == [("awa", "first", "sent"), ("awa", "second", "sent")]
        assert send_forgotten(store, 1) == 0  # they wait already
        send(store, "second")
        assert send_forgotten(store, 3) == 0

    def test_a_mail_of_which_more_was_told_stays_where_it_is(self, store: Store, awa: int) -> None:
        assert awa
        bring(store, Event("second", WORLD, "sent", datetime(2026, 3, 1, tzinfo=UTC)))
        assert send_forgotten(store, 0) == 1
        assert waiting(store) == ["first"]

    def test_it_goes_to_those_of_whom_nothing_was_told(self, store: Store) -> None:
        awa = add_account(store, "awa")
        entries.submit(store, awa, letter("to both"), here=[], outside=[WORLD, ADA])
        send(store, "to both")
        bring(store, Event("to both", ADA, "bounced", datetime(2026, 3, 1, tzinfo=UTC)))
        assert send_forgotten(store, 0) == 1
        [mail] = outgoing.waiting(store, 10**6)
        assert mail.recipients == (WORLD,)

    def test_what_its_writer_has_deleted_for_good_does_not_go(self, store: Store, awa: int) -> None:
        with store.transaction() as connection:
            connection.execute("DELETE FROM entry WHERE account = ?", (awa,))
        assert send_forgotten(store, 0) == 0

    def test_a_bundle_on_its_way_is_none_that_was_forgotten(self, store: Store, awa: int) -> None:
        write(store, awa, "third")
        freeze_up(store, 3, sealed(3), ["third"])
        assert send_forgotten(store, 2) == 0
        assert send_forgotten(store, 1) == 1
        assert sync_state(store).up_pending is not None

    def test_another_claim_has_other_numbers(self, store: Store, awa: int) -> None:
        assert awa
        forget_numbers(store)
        assert send_forgotten(store, 0) == 0


class TestComingAgain:
    @pytest.fixture(autouse=True)
    def ben(self, store: Store) -> int:
        return add_account(store, "ben")

    def mail(self, name: str, **changed: object) -> Mail:
        photo = attached(b"small", "photo.jpg")
        photo = photo._replace(original="ab" * 32, original_size=9)
        message = letter(name, sender=ADA, attachments=(photo,))
        return Mail((BEN,), message._replace(**changed))  # type: ignore[arg-type]

    def test_a_mail_that_is_here_takes_its_new_name(self, store: Store) -> None:
        bring(store, self.mail("old name"))
        restart_history(store, "")
        smaller = attached(b"smaller", "photo.jpg")._replace(original="ab" * 32)
        bring(store, self.mail("new name", attachments=(smaller,)))
        assert folders(store) == [("ben", "new name", "inbox")]
        bring(store, self.mail("newest name"))
        assert folders(store) == [("ben", "newest name", "inbox")]

    def test_one_that_was_thrown_away_stays_there(self, store: Store, ben: int) -> None:
        bring(store, self.mail("old name"))
        entries.move(store, ben, [1], "trash")
        restart_history(store, "")
        bring(store, self.mail("new name"))
        assert folders(store) == [("ben", "new name", "trash")]

    @pytest.mark.parametrize(
        "changed", [{"text": "Another"}, {"attachments": ()}, {"cc": letter().to}]
    )
    def test_a_mail_that_differs_is_another(self, store: Store, changed: dict[str, object]) -> None:
        bring(store, self.mail("old name"))
        restart_history(store, "")
        bring(store, self.mail("new name", **changed))
        assert len(folders(store)) == 2

    def test_somebody_may_say_a_thing_twice(self, store: Store) -> None:
        bring(store, self.mail("one"), self.mail("two"))
        restart_history(store, "")
        bring(store, self.mail("three", text="Since then"), self.mail("four", text="Since then"))
        assert len(folders(store)) == 4

    def test_a_letter_that_was_written_here_keeps_its_name(self, store: Store, ben: int) -> None:
        write(store, ben, "written", to=WORLD)
        restart_history(store, "")
        bring(store, Mail((BEN,), letter("by a list", to=WORLD, text="Mbote")))
        assert {name for _, name, _ in folders(store)} == {"written", "by a list"}

    def stub(self, name: str, ticket: str) -> Stub:
        return Stub((BEN,), letter(name, sender=ADA, text=""), 5000, ticket)

    def test_a_stub_is_not_shown_twice(self, store: Store) -> None:
        bring(store, self.stub("old", "old ticket"))
        restart_history(store, "")
        bring(store, self.stub("new", "new ticket"))
        assert len(folders(store)) == 1
        bring(store, dataclasses.replace(self.mail("the mail"), stub="new ticket"))
        assert folders(store) == [("ben", "the mail", "inbox")]

    def test_a_mail_takes_the_place_of_a_stub_that_the_relay_has_forgotten(
        self, store: Store
    ) -> None:
        bring(store, self.stub("old", "old ticket"))
        restart_history(store, "")
        bring(store, self.mail("the mail"))
        assert folders(store) == [("ben", "the mail", "inbox")]

    def test_no_stub_is_shown_for_a_mail_that_is_here(self, store: Store) -> None:
        bring(store, self.mail("old name"))
        restart_history(store, "")
        bring(store, self.stub("new", "ticket"))
        assert folders(store) == [("ben", "old name", "inbox")]
        bring(store, dataclasses.replace(self.mail("new name"), stub="ticket"))
        assert folders(store) == [("ben", "new name", "inbox")]
