# SPDX-License-Identifier: Apache-2.0
"""What the relay keeps back, and how it comes when somebody asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from mokanda_firmware.mailbox.letters import entries, opened
from mokanda_firmware.mailbox.letters.folders import unread
from mokanda_firmware.mailbox.store import at_relay, content_requests
from mokanda_firmware.mailbox.store.database import Store, StoreBusy, StoreError
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_firmware.mailbox.sync.state import PendingUp, sync_state
from mokanda_firmware.mailbox.sync.up import confirm_up, freeze_up, release_up
from mokanda_wire.bundle import ContentRequest, ContentRequestKind, Denial, Grant, Mail, Stub
from mokanda_wire.message import Attachment, digest_of
from tests.syncing_village import tidy
from tests.unit.mailbox.letters import NOTHING, add_account, bundle_down, folders, letter

BEN = "ben@boende.example"
CLARA = "clara@boende.example"
WHOLE = b"as the world sent it" * 100
SMALL = b"RIFF1234WEBP"
HELD = Attachment("a.pdf", "application/pdf", digest_of(WHOLE), 2000, "", digest_of(WHOLE), 2000)
PHOTO = Attachment("p.png", "image/png", digest_of(SMALL), 12, "", digest_of(WHOLE), 2000)
NAMED = Attachment("p.png", "image/png", digest_of(WHOLE), 2000)


@pytest.fixture
def ben(store: Store) -> int:
    return add_account(store, "ben")


def bring(store: Store, *items: Mail | Stub | Grant | Denial, **contents: bytes) -> None:
    by_digest = {digest_of(content): content for content in contents.values()}
    sequence = sync_state(store).down_applied + 1
    apply_down(store, bundle_down(sequence, *items, contents=by_digest))


def ask(store: Store, kind: ContentRequestKind, name: str, account: int) -> None:
    with store.transaction() as connection:
        content_requests.ask(connection, kind, name, account)


def withdraw(store: Store, kind: ContentRequestKind, name: str, account: int) -> bool:
    with store.transaction() as connection:
        return content_requests.withdraw(connection, kind, name, account)


def freeze(store: Store) -> int:
    """Freeze a bundle with all requests; return its number."""
    sequence = sync_state(store).up_sequence + 1
    sealed = PendingUp(sequence, 100, "ab" * 32, Path("/data/bundles/1"), NOTHING)
    freeze_up(store, sequence, sealed, [], outgoing.unsent_requests(store))
    return sequence


def send(store: Store) -> list[ContentRequest]:
    """Send the relay all requests; return them."""
    requests = outgoing.unsent_requests(store)
    confirm_up(store, freeze(store))
    return requests


def only(store: Store, account: int) -> opened.Letter:
    with store.reading() as connection:
        (row,) = connection.execute("SELECT id FROM entry WHERE account = ?", (account,))
    found = opened.read(store, account, row["id"])
    assert found is not None
    return found


def test_a_file_held_back_comes_when_asked_for(store: Store, ben: int) -> None:
    bring(store, Mail((BEN,), letter(attachments=(HELD,))))
    (file,) = only(store, ben).files
    assert (file.here, file.request) == (None, None)
    ask(store, "file", file.whole.digest, ben)
    assert send(store) == [ContentRequest("file", HELD.digest, "ben")]
    assert send(store) == []
    bring(store, Grant(HELD.digest, 2000), whole=WHOLE)
    (file,) = only(store, ben).files
    assert file.is_whole
    assert file.request is None
    assert store.attachments.path(HELD.digest).read_bytes() == WHOLE


def test_a_smaller_picture_gives_way_to_its_original(store: Store, ben: int) -> None:
    bring(store, Mail((BEN,), letter(attachments=(PHOTO,))), small=SMALL)
    (file,) = only(store, ben).files
    assert file.here == Attachment("p.webp", "image/webp", digest_of(SMALL), 12)
    assert file.whole == NAMED
    ask(store, "file", file.whole.digest, ben)
    bring(store, Grant(PHOTO.original, 2000), whole=WHOLE)
    (file,) = only(store, ben).files
    assert file.here == file.whole == NAMED


def test_an_original_stays_as_long_as_its_letter(store: Store, ben: int) -> None:
    bring(store, Mail((BEN,), letter(attachments=(PHOTO,))), small=SMALL)
    bring(store, Grant(PHOTO.original, 2000), whole=WHOLE)
    paths = [store.attachments.path(digest) for digest in (PHOTO.digest, PHOTO.original)]
    tidy(store)
    assert all(path.exists() for path in paths)
    entries.move(store, ben, [only(store, ben).entry], "trash")
    entries.delete(store, ben)
    tidy(store)
    assert not any(path.exists() for path in paths)


def test_a_request_that_waits_is_withdrawn_without_a_trace(store: Store, ben: int) -> None:
    ask(store, "file", HELD.digest, ben)
    assert withdraw(store, "file", HELD.digest, ben)
    assert outgoing.unsent_requests(store) == []


def test_a_request_withdrawn_after_it_was_sent_is_followed_by_its_withdrawal(
    store: Store, ben: int
) -> None:
    ask(store, "file", HELD.digest, ben)
    send(store)
    assert withdraw(store, "file", HELD.digest, ben)
    assert send(store) == [ContentRequest("file", HELD.digest, "ben", withdrawn=True)]
    assert send(store) == []


def test_a_request_made_again_after_it_was_withdrawn_stands(store: Store, ben: int) -> None:
    ask(store, "file", HELD.digest, ben)
    send(store)
    withdraw(store, "file", HELD.digest, ben)
    ask(store, "file", HELD.digest, ben)
    assert outgoing.unsent_requests(store) == []
    with store.reading() as connection:
        found = content_requests.progress(connection, "file", HELD.digest)
    assert found is not None
    assert found.state == "asked"


def test_a_request_on_its_way_cannot_be_withdrawn(store: Store, ben: int) -> None:
    ask(store, "file", HELD.digest, ben)
    freeze(store)
    assert not withdraw(store, "file", HELD.digest, ben)


def test_nobody_withdraws_what_another_asked_for(store: Store, ben: int) -> None:
    clara = add_account(store, "clara")
    ask(store, "file", HELD.digest, ben)
    ask(store, "file", HELD.digest, clara)
    assert not withdraw(store, "file", HELD.digest, clara)
    assert outgoing.unsent_requests(store) == [ContentRequest("file", HELD.digest, "ben")]


def test_a_bundle_that_was_refused_leaves_its_requests_for_another(store: Store, ben: int) -> None:
    ask(store, "file", HELD.digest, ben)
    release_up(store, freeze(store), "refused")
    assert send(store) == [ContentRequest("file", HELD.digest, "ben")]


def test_a_request_withdrawn_meanwhile_is_not_frozen(store: Store, ben: int) -> None:
    ask(store, "file", HELD.digest, ben)
    requests = outgoing.unsent_requests(store)
    withdraw(store, "file", HELD.digest, ben)
    sealed = PendingUp(1, 100, "ab" * 32, Path("/data/bundles/1"), NOTHING)
    with pytest.raises(StoreError, match="withdrawn"):
        freeze_up(store, 1, sealed, [], requests)
    assert sync_state(store).up_pending is None


def test_nobody_pays_for_what_belongs_to_a_letter_that_is_deleted(store: Store, ben: int) -> None:
    clara = add_account(store, "clara")
    bring(store, Mail((BEN, CLARA), letter(attachments=(HELD,)), ticket="mail1"), stub(BEN))
    ask(store, "file", HELD.digest, ben)
    ask(store, "original", "mail1", ben)
    send(store)
    ask(store, "mail", "stub1", ben)
    for account, withdrawn in ((ben, set[str]()), (clara, {"file", "original"})):
        with store.reading() as connection:
            rows = connection.execute("SELECT id FROM entry WHERE account = ?", (account,))
            chosen = [row["id"] for row in rows]
        entries.move(store, account, chosen, "trash")
        entries.delete(store, account)
        requests = {
            request.kind for request in outgoing.unsent_requests(store) if request.withdrawn
        }
        assert requests == withdrawn  # once nobody has the letter any more
    assert {request.kind for request in send(store)} == {"file", "original"}
    assert send(store) == []


def test_what_is_denied_can_be_asked_for_again(store: Store, ben: int) -> None:
    bring(store, Mail((BEN,), letter(attachments=(HELD,))))
    ask(store, "file", HELD.digest, ben)
    send(store)
    bring(store, Denial("file", HELD.digest, "gone"))
    (file,) = only(store, ben).files
    assert file.request is not None
    assert (file.request.state, file.request.reason) == ("denied", "gone")
    ask(store, "file", HELD.digest, ben)
    assert send(store) == [ContentRequest("file", HELD.digest, "ben")]


def test_the_mail_as_it_was_is_kept_with_its_letter(store: Store, ben: int) -> None:
    bring(store, Mail((BEN,), letter(), ticket="ticket1"))
    found = only(store, ben)
    assert found.original is not None
    assert found.original.ticket == "ticket1"
    bring(store, Grant(digest_of(WHOLE), 2000, "ticket1"), whole=WHOLE)
    tidy(store)
    assert only(store, ben).original_digest == digest_of(WHOLE)
    assert store.attachments.path(digest_of(WHOLE)).exists()


def stub(*recipients: str, ticket: str = "stub1") -> Stub:
    return Stub(recipients, letter(text="", subject="Film"), 5000, ticket)


def test_a_stub_is_a_letter_until_its_mail_takes_its_place(store: Store, ben: int) -> None:
    bring(store, stub(BEN))
    found = only(store, ben)
    assert found.stub is not None
    assert (found.stub.ticket, found.stub.size) == ("stub1", 5000)
    assert (found.message.subject, found.original) == ("Film", None)
    entries.mark_read(store, ben, found.entry)
    entries.move(store, ben, [found.entry], "archive")
    ask(store, "mail", "stub1", ben)
    assert send(store) == [ContentRequest("mail", "stub1", "ben")]
    bring(store, Mail((BEN,), letter(text="Le voici", subject="Film"), "stub1", "mail1"))
    mail = only(store, ben)
    assert (mail.entry, mail.folder, mail.unread) == (found.entry, "archive", True)
    assert (mail.message.text, mail.stub) == ("Le voici", None)
    assert unread(store, ben) == {"archive": 1}
    assert outgoing.unsent_requests(store) == []
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone()[0] == 1
        assert connection.execute("SELECT count(*) FROM stub").fetchone()[0] == 0


def test_a_mail_that_comes_for_one_leaves_the_stub_to_the_others(store: Store, ben: int) -> None:
    clara = add_account(store, "clara")
    bring(store, stub(BEN, CLARA))
    bring(store, Mail((BEN,), letter(text="Le voici", subject="Film"), "stub1"))
    assert only(store, ben).stub is None
    assert only(store, clara).stub is not None
    bring(store, Mail((CLARA,), letter(text="Le voici", subject="Film"), "stub1"))
    assert only(store, clara).message.text == "Le voici"


def test_a_mail_whose_stub_was_deleted_comes_as_a_new_one(store: Store, ben: int) -> None:
    bring(store, stub(BEN))
    entries.move(store, ben, [only(store, ben).entry], "trash")
    entries.delete(store, ben)
    bring(store, Mail((BEN,), letter(text="Le voici"), "stub1"))
    assert folders(store) == [("ben", "1@boende.example", "inbox")]


def test_a_mail_as_empty_as_its_stub_takes_its_place(store: Store, ben: int) -> None:
    bring(store, stub(BEN))
    bring(store, Mail((BEN,), stub(BEN).message, "stub1"))
    assert only(store, ben).stub is None


def test_a_file_taken_to_be_here_that_is_not_is_asked_for(store: Store, ben: int) -> None:
    mail = Mail((BEN,), letter(attachments=(NAMED,)))
    bring(store, mail)
    assert outgoing.unsent_requests(store) == [ContentRequest("file", NAMED.digest)]
    assert only(store, ben).files[0].here is None
    bring(store, Grant(NAMED.digest, 2000), whole=WHOLE)
    assert only(store, ben).files[0].is_whole
    assert send(store) == []


def test_a_file_that_no_letter_names_any_more_may_be_named_again(store: Store, ben: int) -> None:
    """Whatever the order of housekeeping and sync, the file is here or asked for."""
    bring(store, Mail((BEN,), letter(attachments=(NAMED,))), whole=WHOLE)
    entries.move(store, ben, [only(store, ben).entry], "trash")
    entries.delete(store, ben)
    path = store.attachments.path(NAMED.digest)
    again = Mail((BEN,), letter("2@boende.example", attachments=(NAMED,)))
    tidy(store)
    bring(store, again)
    assert not path.exists()
    assert outgoing.unsent_requests(store) == [ContentRequest("file", NAMED.digest)]


def test_a_file_that_is_still_here_is_not_asked_for_nor_swept(store: Store, ben: int) -> None:
    bring(store, Mail((BEN,), letter(attachments=(NAMED,))), whole=WHOLE)
    entries.move(store, ben, [only(store, ben).entry], "trash")
    entries.delete(store, ben)
    path = store.attachments.path(NAMED.digest)
    bring(store, Mail((BEN,), letter("2@boende.example", attachments=(NAMED,))))
    tidy(store)
    assert path.exists()
    assert outgoing.unsent_requests(store) == []


def test_no_bundle_is_applied_while_files_are_swept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a bundle cannot find a file here that is about to go."""
    monkeypatch.setattr("mokanda_firmware.mailbox.store.database.BUSY_SECONDS", 0.01)
    courier = Store(store.path, store.path.parent / "attachments")
    with store.incoming_attachment() as incoming:
        incoming.write(WHOLE)
        incoming.keep()
    tried = []

    def remove(_: object, wanted: set[str]) -> int:
        with pytest.raises(StoreBusy):
            apply_down(courier, bundle_down(1, Mail((BEN,), letter(attachments=(NAMED,)))))
        tried.append(wanted)
        return 0

    monkeypatch.setattr(store.attachments, "remove", remove)
    tidy(store)
    assert len(tried) == 1
    courier.close()


def test_what_came_from_the_relay_and_what_went_there_is_known_to_be_there(
    store: Store, ben: int
) -> None:
    bring(store, Mail((BEN,), letter(attachments=(PHOTO, HELD))), small=SMALL)
    assert at_relay.known(store, [PHOTO.original, PHOTO.digest]) == {PHOTO.original}
    written = NAMED._replace(digest=digest_of(b"written"))
    mine = letter("3@boende.example", attachments=(written,))
    entries.submit(store, ben, mine, here=[], outside=["friend@example.org"])
    sealed = PendingUp(1, 100, "ab" * 32, Path("/data/bundles/1"), NOTHING)
    freeze_up(store, 1, sealed, [mine.message_id])
    assert at_relay.known(store, [written.digest]) == set()
    confirm_up(store, 1)
    assert at_relay.known(store, [written.digest]) == {written.digest}
    at_relay.forget_all(store)
    assert at_relay.known(store, [written.digest, PHOTO.original]) == set()
