# SPDX-License-Identifier: Apache-2.0
"""A device's own store and courier, and a relay: what is not wanted costs nearly nothing."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import pytest
import sqlalchemy as sa

from mokanda_firmware.courier import news
from mokanda_firmware.mailbox.letters import entries, folders, opened, stubs
from mokanda_firmware.mailbox.people import unwanted
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_relay.operator.housekeeping import Housekeeper
from mokanda_relay.store import clock, tables
from mokanda_relay.store.tables import Device, DownBundle, Incoming
from mokanda_relay.sync.down import freeze, frozen
from mokanda_relay.sync.unsubscribing import unsubscribe_one
from mokanda_relay.transport import one_click
from mokanda_wire.bundle import Filter
from tests.relay_served import BOTH_DATABASES, Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)

SPAMMER = "offers@shop.example.net"
AMINA, BAKO = "amina@kitenge.example", "bako@kitenge.example"


def post(
    served: Served,
    text: str,
    *,
    sender: str = SPAMMER,
    to: str = AMINA,
    score: str = "0.1",
    spf: str = "pass",
    dkim: str = "",
    **headers: str,
) -> None:
    """The world sends a mail, which is read before this returns."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, text
    mail["Date"] = format_datetime(clock.now().replace(microsecond=0))
    mail["Message-ID"] = make_msgid(domain="example.net")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(f"{text} {'with many words ' * 200}")
    served.world.post_inbound(mail.as_bytes(), sender, [to], spam_score=score, spf=spf, dkim=dkim)
    served.wait_until_prepared()


def block(village: Village, writer: str, name: str | None = "amina") -> None:
    with village.store.transaction() as connection:
        unwanted.block(connection, village.accounts[name] if name else None, writer)


def unblock(village: Village, writer: str, name: str | None = "amina") -> None:
    with village.store.transaction() as connection:
        stubs.unblock(connection, village.accounts[name] if name else None, writer)


def subjects(village: Village, folder: entries.Folder = "inbox", name: str = "amina") -> list[str]:
    """The subjects in a folder, the latest first."""
    return [
        line.subject for line in folders.page(village.store, village.accounts[name], folder).lines
    ]


def ask_for_list(village: Village) -> None:
    with village.store.transaction() as connection:
        content_requests.ask(connection, "blocked", "amina", village.accounts["amina"])


def fetch(village: Village, subject: str) -> None:
    """Amina asks for a letter of which the stub is here."""
    with village.store.transaction() as connection:
        row = connection.execute(
            "SELECT stub.ticket FROM stub JOIN message ON message.id = stub.message"
            " WHERE subject = ?",
            (subject,),
        ).fetchone()
        content_requests.ask(connection, "mail", row["ticket"], village.accounts["amina"])


def kept_back(village: Village) -> dict[str, int]:
    return unwanted.kept_back(village.store, village.accounts["amina"])


class TestBlocking:
    """Who is blocked costs a number; what was kept can be had."""

    @pytest.mark.parametrize("writer", [SPAMMER, "shop.example.net", "example.net"])
    def test_mail_of_who_is_blocked_does_not_come(
        self, village: Village, served: Served, writer: str
    ) -> None:
        block(village, writer)
        village.sync()
        post(served, "Offer")
        post(served, "Mbote", sender="ada@example.org")
        village.sync()
        assert subjects(village) == ["Mbote"]
        assert subjects(village, "trash") == []
        assert kept_back(village) == {"amina": 1}

    def test_others_get_mail_of_the_same_writer(self, village: Village, served: Served) -> None:
        block(village, SPAMMER)
        village.sync()
        post(served, "Offer", to=BAKO)
        village.sync()
        assert subjects(village, name="bako") == ["Offer"]

    def test_the_keeper_blocks_for_everybody(self, village: Village, served: Served) -> None:
        block(village, SPAMMER, None)
        village.sync()
        post(served, "Offer")
        post(served, "Offer", to=BAKO)
        village.sync()
        assert subjects(village) == subjects(village, name="bako") == []

    def test_ten_blocked_mails_cost_a_number(self, village: Village, served: Served) -> None:
        block(village, SPAMMER)
        village.sync()
        idle = village.sync().bytes_down
        for number in range(10):
            post(served, f"Offer {number}")
        assert village.sync().bytes_down <= idle + 50
        post(served, "Mbote", sender="ada@example.org")
        assert village.sync().bytes_down < idle + 1500
        assert kept_back(village) == {"amina": 10}

    @BOTH_DATABASES
    def test_the_list_comes_into_the_trash_and_a_letter_of_it_into_the_inbox(
        self, village: Village, served: Served
    ) -> None:
        block(village, SPAMMER)
        village.sync()
        post(served, "Offer")
        post(served, "Another")
        post(served, "Mbote", sender="ada@example.org")
        village.sync()
        ask_for_list(village)
        assert village.sync().bytes_down < 2000
        assert sorted(subjects(village, "trash")) == ["Another", "Offer"]
        assert kept_back(village) == {}
        with village.store.reading() as connection:
            assert content_requests.progress(connection, "blocked", "amina") is None
        fetch(village, "Offer")
        village.sync()
        assert subjects(village) == ["Offer", "Mbote"] or subjects(village) == ["Mbote", "Offer"]
        assert any("many words" in text for text in village.texts("inbox"))
        assert subjects(village, "trash") == ["Another"]

    def test_a_list_of_nothing_is_answered_too(self, village: Village) -> None:
        ask_for_list(village)
        village.sync()
        with village.store.reading() as connection:
            assert content_requests.progress(connection, "blocked", "amina") is None

    def test_unblocking_brings_what_is_still_there(self, village: Village, served: Served) -> None:
        block(village, SPAMMER)
        village.sync()
        post(served, "Offer")
        village.sync()
        unblock(village, SPAMMER)
        village.sync()
        assert subjects(village) == ["Offer"]

    def test_unblocking_takes_the_list_out_of_the_trash(
        self, village: Village, served: Served
    ) -> None:
        block(village, SPAMMER)
        village.sync()
        post(served, "Offer")
        ask_for_list(village)
        village.sync()
        assert subjects(village, "trash") == ["Offer"]
        unblock(village, SPAMMER)
        assert subjects(village) == ["Offer"]
        village.sync()
        assert subjects(village) == ["Offer"]
        assert "many words" in village.texts("inbox")[0]

    def test_what_waits_when_somebody_is_blocked_does_not_come(
        self, village: Village, served: Served
    ) -> None:
        post(served, "Offer")
        block(village, SPAMMER)
        village.sync()
        assert subjects(village) == subjects(village, "trash") == []

    def test_after_thirty_days_it_is_gone(
        self, village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        block(village, SPAMMER)
        village.sync()
        post(served, "Offer")
        housekeeper = Housekeeper(served.relay)
        housekeeper.tidy()
        now = dt.datetime.now(dt.UTC)
        for day in range(1, 33):  # no clock is believed that jumps
            monkeypatch.setattr(clock, "now", lambda day=day: now + dt.timedelta(days=day))
            housekeeper.tidy()
        with served.relay.database.reading() as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(Incoming)) == 0


class TestLosses:
    """What was told is told again where either end may have lost it."""

    def test_nothing_is_told_twice(self, village: Village) -> None:
        block(village, SPAMMER)
        village.sync()
        assert not [
            item for item in news.gather(village.store, beside=True) if isinstance(item, Filter)
        ]

    def test_a_mail_of_a_frozen_bundle_goes_into_the_trash(
        self, village: Village, served: Served
    ) -> None:
        post(served, "Offer")
        with served.relay.database.reading() as session:
            device = session.scalar(sa.select(Device.id))
        assert device is not None
        assert freeze.offer(served.relay, device) is not None
        block(village, SPAMMER)
        village.sync()
        assert subjects(village) == []
        assert subjects(village, "trash") == ["Offer"]

    def test_a_frozen_bundle_that_is_taken_back_is_judged_again(
        self, village: Village, served: Served
    ) -> None:
        post(served, "Offer", to=f"amina@{village.domain}")
        with served.relay.database.reading() as session:
            device = session.scalar(sa.select(Device.id))
        assert device is not None
        freeze.offer(served.relay, device)
        with served.relay.database.transaction() as session:
            row = session.get_one(Device, device)
            session.add(
                tables.Filter(device_id=device, name="amina", told=f'{{"blocked": ["{SPAMMER}"]}}')
            )
            frozen.thaw(session, row)
            assert session.scalar(sa.select(sa.func.count()).select_from(DownBundle)) == 0
            assert session.scalars(sa.select(Incoming.verdict)).all() == ["blocked"]

    def test_a_relay_that_has_forgotten_is_told_again(
        self, village: Village, served: Served
    ) -> None:
        block(village, SPAMMER)
        village.sync()
        with served.relay.database.transaction() as session:
            session.execute(sa.delete(tables.Filter))
        news.forget(village.store)  # as when the histories differ
        village.sync()
        post(served, "Offer")
        village.sync()
        assert subjects(village) == []

    def test_a_relay_forgets_what_a_restored_card_has_never_told(
        self, village: Village, served: Served
    ) -> None:
        block(village, SPAMMER)
        village.sync()
        post(served, "Offer")
        with village.store.transaction() as connection:  # a card of before
            connection.execute("DELETE FROM blocked")
        set_setting(village.store, "courier_filters", {})
        news.forget(village.store)
        village.sync()
        assert subjects(village) == ["Offer"]

    def test_a_relay_of_before_is_told_nothing(self, village: Village) -> None:
        block(village, SPAMMER)
        with village.store.transaction() as connection:
            connection.execute("UPDATE sync SET relay_format = 1")
        assert not [
            item for item in news.gather(village.store, beside=True) if isinstance(item, Filter)
        ]


class TestAdvertising:
    """What the provider takes for advertising, and newsletters, come as stubs."""

    def test_a_high_score_lets_writer_and_subject_come(
        self, village: Village, served: Served
    ) -> None:
        post(served, "Win now", score="5.0")
        village.sync()
        assert subjects(village) == ["Win now"]
        assert village.texts("inbox") == [""]
        fetch(village, "Win now")
        village.sync()
        assert "many words" in village.texts("inbox")[0]

    @pytest.mark.parametrize(
        ("spf", "proof"), [("pass", "passed"), ("fail", "failed"), ("none", "")]
    )
    def test_what_is_known_of_the_writer_comes_with_the_head(
        self, village: Village, served: Served, spf: str, proof: str
    ) -> None:
        post(served, "Win now", score="9", spf=spf, dkim="none" if spf != "pass" else "")
        village.sync()
        assert village.texts("inbox") == [""]
        [line] = folders.page(village.store, village.accounts["amina"], "inbox").lines
        letter = opened.read(village.store, village.accounts["amina"], line.id)
        assert letter is not None
        assert letter.message.proof == proof

    def test_the_keeper_chooses_the_score(self, village: Village, served: Served) -> None:
        set_setting(village.store, unwanted.SPAM, None)
        village.sync()
        post(served, "Win now", score="25.3")
        village.sync()
        assert "many words" in village.texts("inbox")[0]

    def test_whom_the_village_has_written_to_writes_no_advertising(
        self, village: Village, served: Served
    ) -> None:
        village.write("Mbote", to="Ada@example.org")
        village.sync()
        post(served, "WIN NOW", sender="ada@example.org", score="9")
        village.sync()
        assert "many words" in village.texts("inbox")[0]

    def test_who_forges_the_address_of_somebody_known_does(
        self, village: Village, served: Served
    ) -> None:
        village.write("Mbote", to="ada@example.org")
        village.sync()
        post(served, "WIN NOW", sender="ada@example.org", score="9", spf="fail", dkim="none")
        village.sync()
        assert village.texts("inbox") == [""]

    @pytest.mark.parametrize(
        "headers",
        [
            {"List_Id": "News <news.shop.example.net>"},
            {"List_Unsubscribe": "<https://shop.example.net/u>"},
            {"Precedence": "bulk"},
        ],
    )
    def test_newsletters_wait_where_a_villager_wants_it(
        self, village: Village, served: Served, headers: dict[str, str]
    ) -> None:
        unwanted.let_newsletters_wait(village.store, village.accounts["amina"], wait=True)
        village.sync()
        post(served, "News", **headers)
        post(served, "News", to=BAKO, **headers)
        village.sync()
        assert village.texts("inbox") == [""]
        assert "many words" in village.texts("inbox", "bako")[0]


class TestStrangers:
    """Letters of strangers wait for the night where the keeper wants it."""

    @BOTH_DATABASES
    def test_they_come_at_night(
        self, village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_setting(village.store, unwanted.STRANGERS, value=True)
        village.write("Mbote", to="ada@example.org")
        village.sync()
        today = dt.datetime.now(dt.UTC)
        monkeypatch.setattr(clock, "now", lambda: today.replace(hour=12))
        post(served, "Stranger", sender="eve@example.com")
        post(served, "Friend", sender="ada@example.org")
        village.sync()
        assert subjects(village) == ["Friend"]
        monkeypatch.setattr(clock, "now", lambda: today.replace(hour=22))
        village.sync()
        assert subjects(village) == ["Stranger", "Friend"]

    def test_no_one_waits_for_more_than_a_day(
        self, village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_setting(village.store, unwanted.STRANGERS, value=True)
        village.sync()
        noon = dt.datetime.now(dt.UTC).replace(hour=12)
        monkeypatch.setattr(clock, "now", lambda: noon)
        post(served, "Stranger", sender="eve@example.com")
        village.sync()
        assert subjects(village) == []
        monkeypatch.setattr(clock, "now", lambda: noon + dt.timedelta(days=1, minutes=1))
        village.sync()
        assert subjects(village) == ["Stranger"]


class TestUnsubscribing:
    """The relay unsubscribes who asks for it, and says what came of it."""

    CLICK = "<https://shop.example.net/leave>"
    MAIL = "<mailto:leave@shop.example.net?subject=leave%20me>"

    def receive(self, village: Village, served: Served, urls: str) -> opened.Letter:
        post(
            served,
            "News",
            List_Unsubscribe=urls,
            List_Unsubscribe_Post="List-Unsubscribe=One-Click",
        )
        village.sync()
        return self.letter(village)

    def letter(self, village: Village) -> opened.Letter:
        account = village.accounts["amina"]
        [line] = folders.page(village.store, account, "inbox").lines
        letter = opened.read(village.store, account, line.id)
        assert letter is not None
        return letter

    def ask(self, village: Village) -> None:
        newsletter = self.letter(village).newsletter
        assert newsletter is not None
        with village.store.transaction() as connection:
            content_requests.ask(
                connection, "unsubscribe", newsletter.ticket, village.accounts["amina"]
            )
        village.sync()

    def result(self, village: Village, served: Served) -> str:
        """What the letter says once the relay has done what it can."""

        def is_tried() -> bool:
            with served.relay.database.reading() as session:
                return "" not in session.scalars(sa.select(tables.ContentRequest.result)).all()

        eventually(is_tried, "the relay to try")
        village.sync()
        newsletter = self.letter(village).newsletter
        assert newsletter is not None
        assert newsletter.request is not None
        assert newsletter.request.state == "denied"
        return newsletter.request.reason

    def test_by_one_click(
        self, village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clicks: list[str] = []

        def click(url: str) -> one_click.Outcome:
            clicks.append(url)
            return "done"

        monkeypatch.setattr(one_click, "post", click)
        self.receive(village, served, f"{self.MAIL}, {self.CLICK}")
        self.ask(village)
        assert self.result(village, served) == "done"
        assert clicks == ["https://shop.example.net/leave"]
        assert served.world.sent == []

    @BOTH_DATABASES
    def test_by_a_mail_of_the_villager(
        self, village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(one_click, "post", lambda _: "refused")
        self.receive(village, served, f"{self.MAIL}, {self.CLICK}")
        self.ask(village)
        assert self.result(village, served) == "written"
        eventually(lambda: served.world.sent, "the mail at SendGrid")
        [sent] = served.world.sent
        assert sent.recipients == ["leave@shop.example.net"]
        assert sent.body["from"]["email"] == AMINA
        assert sent.body["subject"] == "leave me"
        news.forget(village.store)
        with village.store.transaction() as connection:  # an older card asks once more
            connection.execute("UPDATE content_request SET state = 'waiting'")
        village.sync()
        assert self.result(village, served) == "written"
        served.world.finish_requests()
        assert len(served.world.sent) == 1
        with served.relay.database.reading() as session:
            assert session.scalars(sa.select(tables.Notice)).all() == []  # nobody is told of it

    def test_a_click_of_unknown_outcome_is_tried_again_later(
        self, village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(one_click, "post", lambda _: "unknown")
        self.receive(village, served, self.CLICK)
        self.ask(village)
        with served.relay.database.reading() as session:
            row = session.scalars(sa.select(tables.ContentRequest)).one()
        assert row.result == ""
        now = clock.now()
        for later in range(2, 20):
            moment = now + dt.timedelta(hours=later)
            monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
            unsubscribe_one(served.relay, lambda _: "unknown")
        assert self.result(village, served) == "undone"

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_relay_that_dies_at_it_goes_on(
        self, village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die(_: str) -> one_click.Outcome:
            raise SystemExit

        monkeypatch.setattr("mokanda_relay.sync.unsubscribing._LOOK_AGAIN", 3600.0)
        monkeypatch.setattr(one_click, "post", die)
        self.receive(village, served, self.CLICK)
        self.ask(village)

        def is_begun() -> bool:
            with served.relay.database.reading() as session:
                return session.scalars(sa.select(tables.ContentRequest.attempts)).all() == [1]

        eventually(is_begun, "the relay to begin")
        assert not unsubscribe_one(served.relay, lambda _: "done")  # it may be under way
        later = clock.now() + dt.timedelta(hours=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert unsubscribe_one(served.relay, lambda _: "done")
        assert self.result(village, served) == "done"

    def test_other_letters_offer_nothing(self, village: Village, served: Served) -> None:
        assert self.receive(village, served, "<https://shop.example.net").newsletter is None
