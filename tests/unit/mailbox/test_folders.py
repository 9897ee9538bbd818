# SPDX-License-Identifier: Apache-2.0
"""Lists, conversations, search, and moving letters between folders."""

import pytest

from mokanda_firmware.mailbox.letters import entries, folders, opened
from mokanda_firmware.mailbox.letters.folders import MARK, UNMARK, Query
from mokanda_firmware.mailbox.people import contacts
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_wire.bundle import Mail
from mokanda_wire.message import Mailbox, Message
from tests.unit.mailbox.letters import DOMAIN, add_account, attached, bundle_down, letter

AWA = f"awa@{DOMAIN}"
BEN = f"ben@{DOMAIN}"
WORLD = "marie@example.org"


@pytest.fixture
def awa(store: Store) -> int:
    return add_account(store, "awa")


def bring(store: Store, *messages: Message, to: tuple[str, ...] = (AWA,)) -> None:
    sequence = sync_state(store).down_applied + 1
    apply_down(store, bundle_down(sequence, *(Mail(to, message) for message in messages)))


def subjects(store: Store, account: int, folder: entries.Folder = "inbox") -> list[str]:
    return [line.subject for line in folders.page(store, account, folder).lines]


def first(store: Store, account: int, folder: entries.Folder = "inbox") -> folders.Line:
    return folders.page(store, account, folder).lines[0]


def found(store: Store, account: int, words: str, **more: object) -> list[str]:
    query = Query(words, **more)  # type: ignore[arg-type]
    return [line.subject for line in folders.search(store, account, query).lines]


class TestConversations:
    """A folder has one line for each conversation."""

    def test_answers_join_the_letter_they_answer(self, store: Store, awa: int) -> None:
        bring(
            store,
            letter("1@x", sender=WORLD, subject="Photos"),
            letter("2@x", sender=WORLD, subject="Other"),
            letter("3@x", sender=WORLD, subject="Re: Photos", references=("1@x",)),
        )
        lines = folders.page(store, awa, "inbox").lines
        assert [(line.subject, line.letters) for line in lines] == [("Re: Photos", 2), ("Other", 1)]

    def test_an_answer_may_come_before_what_it_answers(self, store: Store, awa: int) -> None:
        bring(store, letter("2@x", sender=WORLD, references=("1@x",)))
        bring(store, letter("1@x", sender=WORLD))
        assert [line.letters for line in folders.page(store, awa, "inbox").lines] == [2]

    def test_an_answer_that_names_only_its_parent_joins_too(self, store: Store, awa: int) -> None:
        bring(
            store,
            letter("1@x", sender=WORLD),
            letter("2@x", sender=WORLD, references=("1@x",)),
            letter("3@x", sender=WORLD, in_reply_to="2@x"),
        )
        assert first(store, awa).letters == 3

    @pytest.mark.parametrize("prefix", ["Re: ", "RE : ", "Aw: Re: ", "TR: ", "Rép : ", "re[2]: "])
    def test_an_answer_without_references_joins_by_its_subject(
        self, store: Store, awa: int, prefix: str
    ) -> None:
        bring(store, letter("1@x", sender=AWA, to=WORLD, subject="Le puits"))
        bring(store, letter("2@y", sender=WORLD, subject=f"{prefix}Le puits"))
        assert first(store, awa).letters == 2

    def test_strangers_with_the_same_subject_are_not_mixed(self, store: Store, awa: int) -> None:
        bring(store, letter("1@x", sender=WORLD, subject="Bonjour"))
        bring(store, letter("2@y", sender="paul@example.net", subject="Re: Bonjour"))
        assert [line.letters for line in folders.page(store, awa, "inbox").lines] == [1, 1]

    def test_a_conversation_is_unread_while_any_of_it_is(self, store: Store, awa: int) -> None:
        bring(store, letter("1@x", sender=WORLD), letter("2@x", sender=WORLD, references=("1@x",)))
        entries.mark_read(store, awa, first(store, awa).id)
        assert first(store, awa).unread
        for other in opened.conversation(store, awa, first(store, awa).id):
            entries.mark_read(store, awa, other.entry)
        assert not first(store, awa).unread

    def test_a_conversation_shows_what_was_sent_and_hides_the_trash(
        self, store: Store, awa: int
    ) -> None:
        bring(store, letter("1@x", sender=WORLD), letter("2@x", sender=WORLD, references=("1@x",)))
        answer = letter("3@x", sender=AWA, to=WORLD, references=("1@x", "2@x"))
        entries.submit(store, awa, answer, here=[], outside=[WORLD])
        newest = first(store, awa).id
        assert [one.sender.address for one in opened.conversation(store, awa, newest)] == [
            AWA,
            WORLD,
            WORLD,
        ]
        entries.move(store, awa, [1], "trash")
        assert len(opened.conversation(store, awa, newest)) == 2

    def test_nobody_sees_the_conversation_of_another(self, store: Store, awa: int) -> None:
        ben = add_account(store, "ben")
        bring(store, letter("1@x", sender=WORLD))
        assert opened.conversation(store, ben, first(store, awa).id) == []


class TestMoving:
    """Deleting is moving to the trash, and can be undone."""

    def test_what_is_deleted_is_in_the_trash_and_can_be_put_back(
        self, store: Store, awa: int
    ) -> None:
        bring(store, letter("1@x", sender=WORLD, subject="Photos"))
        moved = entries.move(store, awa, [first(store, awa).id], "trash")
        assert (subjects(store, awa), subjects(store, awa, "trash")) == ([], ["Photos"])
        assert entries.put_back(store, awa, moved) == moved
        assert (subjects(store, awa), subjects(store, awa, "trash")) == (["Photos"], [])

    def test_one_readers_delete_takes_nothing_from_another(self, store: Store, awa: int) -> None:
        ben = add_account(store, "ben")
        bring(store, letter("1@x", sender=WORLD, subject="Both"), to=(AWA, BEN))
        entries.move(store, awa, [first(store, awa).id], "trash")
        entries.delete(store, awa)
        assert subjects(store, ben) == ["Both"]
        assert opened.read(store, ben, first(store, ben).id) is not None

    def test_nobody_moves_the_letter_of_another(self, store: Store, awa: int) -> None:
        ben = add_account(store, "ben")
        bring(store, letter("1@x", sender=WORLD))
        entry = first(store, awa).id
        assert entries.move(store, ben, [entry], "trash") == []
        entries.move(store, awa, [entry], "trash")
        assert entries.put_back(store, ben, [entry]) == []
        assert entries.delete(store, ben, [entry]) == 0

    def test_the_next_letter_stands_for_a_conversation_whose_newest_was_deleted(
        self, store: Store, awa: int
    ) -> None:
        bring(
            store,
            letter("1@x", sender=WORLD, subject="old"),
            letter("2@x", sender=WORLD, subject="new", references=("1@x",)),
        )
        entries.move(store, awa, [first(store, awa).id], "trash")
        assert subjects(store, awa) == ["old"]
        entries.put_back(store, awa, [2])
        assert subjects(store, awa) == ["new"]

    def test_a_whole_conversation_is_chosen_by_one_of_it(self, store: Store, awa: int) -> None:
        bring(store, letter("1@x", sender=WORLD), letter("2@x", sender=WORLD, references=("1@x",)))
        chosen = entries.of_conversations(store, awa, [first(store, awa).id])
        assert sorted(entries.move(store, awa, chosen, "archive")) == [1, 2]
        assert subjects(store, awa) == []
        assert first(store, awa, "archive").letters == 2

    def test_a_letter_in_the_outbox_cannot_be_deleted(self, store: Store, awa: int) -> None:
        entries.submit(store, awa, letter(to=WORLD), here=[], outside=[WORLD])
        assert entries.move(store, awa, [first(store, awa, "outbox").id], "trash") == []
        assert len(outgoing.waiting(store, 10_000)) == 1

    def test_what_nobody_has_any_more_is_gone_from_the_store(self, store: Store, awa: int) -> None:
        bring(store, letter("1@x", sender=WORLD, text="unique word"))
        entries.move(store, awa, [first(store, awa).id], "trash")
        entries.delete(store, awa)
        with store.reading() as connection:
            for table in ("message", "body", "attachment", "entry"):
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
            connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")

    def test_old_trash_is_deleted(self, store: Store, awa: int) -> None:
        bring(store, letter("1@x", sender=WORLD), letter("2@x", sender=WORLD))
        entries.move(store, awa, [1, 2], "trash")
        with store.transaction() as connection:
            connection.execute("UPDATE entry SET trashed = trashed - 31 * 86400 WHERE id = 1")
        assert entries.delete_old_trash(store, clock.now() - 30 * 24 * 3600) == 1
        assert len(subjects(store, awa, "trash")) == 1


class TestTakingBack:
    """A letter can be taken back while it waits."""

    def test_a_letter_that_waits_comes_back_whole(self, store: Store, awa: int) -> None:
        message = letter(to=WORLD, attachments=(attached(b"photo"),))
        entries.submit(store, awa, message, here=[], outside=[WORLD, "hidden@example.org"])
        with store.transaction() as connection:
            taken = entries.take_back(connection, awa, first(store, awa, "outbox").id)
        assert taken == entries.TakenBack(message, ("hidden@example.org", WORLD), None)
        assert outgoing.waiting(store, 10_000) == []
        assert subjects(store, awa, "outbox") == []

    def test_villagers_who_have_it_keep_it(self, store: Store, awa: int) -> None:
        ben = add_account(store, "ben")
        entries.submit(store, awa, letter(subject="Both"), here=[BEN], outside=[WORLD])
        with store.transaction() as connection:
            taken = entries.take_back(connection, awa, first(store, awa, "outbox").id)
        assert taken is not None
        assert taken.recipients == (WORLD,)
        assert subjects(store, ben) == ["Both"]

    def test_a_letter_that_is_in_a_bundle_goes(self, store: Store, awa: int) -> None:
        entries.submit(store, awa, letter("1@x", to=WORLD), here=[], outside=[WORLD])
        with store.transaction() as connection:
            connection.execute("UPDATE outgoing SET state = 'bundled', sequence = 1")
        with store.transaction() as connection:
            assert entries.take_back(connection, awa, first(store, awa, "outbox").id) is None

    def test_nobody_takes_back_the_letter_of_another(self, store: Store, awa: int) -> None:
        ben = add_account(store, "ben")
        entries.submit(store, awa, letter(to=WORLD), here=[], outside=[WORLD])
        with store.transaction() as connection:
            assert entries.take_back(connection, ben, first(store, awa, "outbox").id) is None


class TestSearch:
    """Full text, whatever the accents and the case."""

    @pytest.fixture(autouse=True)
    def letters(self, store: Store, awa: int) -> None:  # noqa: ARG002 - who they are for
        bring(
            store,
            letter("1@x", sender=WORLD, subject="École", text="La réunion des parents est jeudi."),
            letter("2@x", sender="paul@example.net", subject="Marché", text="Jeudi, du poisson."),
            letter("3@x", sender=WORLD, subject="Photo", attachments=(attached(b"1", "Noël.jpg"),)),
        )

    @pytest.mark.parametrize(
        ("words", "hits"),
        [
            ("ecole", ["École"]),
            ("REUNION", ["École"]),
            ("jeudi", ["Marché", "École"]),
            ("jeudi poisson", ["Marché"]),
            ("pois", ["Marché"]),
            ("marie@example.org", ["Photo", "École"]),
            ("noel", ["Photo"]),
            ("nothing", []),
            ("", []),
        ],
    )
    def test_words(self, store: Store, awa: int, words: str, hits: list[str]) -> None:
        assert found(store, awa, words) == hits

    @pytest.mark.parametrize(
        "words", ['"', "'", "NEAR(", "a OR b", "-x", "subject:", "*", "(", "a AND NOT", "^x", "\0"]
    )
    def test_nothing_that_is_typed_is_an_operator(self, store: Store, awa: int, words: str) -> None:
        assert found(store, awa, words) == []

    def test_people_and_subject_narrow_it_down(self, store: Store, awa: int) -> None:
        assert found(store, awa, "jeudi", people="paul") == ["Marché"]
        assert found(store, awa, "", subject="ecole") == ["École"]
        assert found(store, awa, "jeudi", subject="jeudi") == []

    def test_days_narrow_it_down(self, store: Store, awa: int) -> None:
        with store.transaction() as connection:
            connection.execute("UPDATE entry SET at = id * 100")
        assert found(store, awa, "marie", since=100, until=200) == ["École"]

    def test_nobody_finds_the_letters_of_another(self, store: Store) -> None:
        assert found(store, add_account(store, "ben"), "jeudi") == []

    def test_the_trash_is_not_searched(self, store: Store, awa: int) -> None:
        entries.move(store, awa, [2], "trash")
        assert found(store, awa, "poisson") == []

    def test_what_was_found_is_marked(self, store: Store, awa: int) -> None:
        line = folders.search(store, awa, Query("reunion")).lines[0]
        assert line.found == f"La {MARK}réunion{UNMARK} des parents est jeudi."

    def test_many_hits_come_page_by_page(self, store: Store, awa: int) -> None:
        bring(store, *(letter(f"m{n}@x", sender=WORLD, subject=f"n{n}") for n in range(30)))
        query = Query("marie")
        page = folders.search(store, awa, query, limit=20)
        rest = folders.search(store, awa, query, before=page.older, limit=20)
        names = [line.subject for line in (*page.lines, *rest.lines)]
        assert len(names) == len(set(names)) == 32
        assert rest.older is None


class TestContacts:
    """Whom one writes to is kept."""

    def test_the_most_written_to_come_first_then_villagers(self, store: Store, awa: int) -> None:
        add_account(store, "ben")
        for number, to in enumerate((WORLD, "paul@example.net", WORLD)):
            message = letter(f"{number}@x", to=to)
            entries.submit(store, awa, message, here=[], outside=[to])
        people = contacts.people(store, awa, DOMAIN)
        assert [one.address for one in people] == [WORLD, "paul@example.net", BEN]

    def test_a_name_is_learnt_and_a_contact_forgotten(self, store: Store, awa: int) -> None:
        named = letter()._replace(to=(Mailbox(WORLD, "Marie"),))
        entries.submit(store, awa, named, here=[], outside=[WORLD])
        assert contacts.of_account(store, awa) == [Mailbox(WORLD, "Marie")]
        contacts.forget(store, awa, WORLD)
        assert contacts.of_account(store, awa) == []


def test_a_folder_is_listed_by_index_alone(store: Store, awa: int) -> None:
    """Whatever a folder holds, a page of it reads a page of it."""
    with store.reading() as connection:
        for condition in ("", "AND newest"):
            plan = connection.execute(
                "EXPLAIN QUERY PLAN SELECT * FROM entry JOIN message ON message.id = entry.message"
                f" WHERE account = ? AND folder = 'inbox' {condition}"
                " ORDER BY entry.id DESC LIMIT 20",
                (awa,),
            ).fetchall()
            steps = " ".join(row["detail"] for row in plan)
            assert "SCAN" not in steps
            assert "TEMP B-TREE" not in steps
