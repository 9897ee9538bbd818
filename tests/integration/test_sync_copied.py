# SPDX-License-Identifier: Apache-2.0
"""A card that was copied: of two boxes with one identity one is served, and all are told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.courier import card
from mokanda_firmware.uplink import connection, refusals
from mokanda_firmware.uplink.failures import CopiedError, CutError
from mokanda_relay.operator import devices
from mokanda_relay.store.tables import Alert, Card
from mokanda_relay.sync import cards
from mokanda_wire import protocol
from tests.relay_served import BOTH_DATABASES, Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


class Copy:
    """Another box, with a copy of the village's card as it is now."""

    def __init__(self, village: Village, folder: Path) -> None:
        self._village, self._folder = village, folder
        shutil.copytree(paths.data(), folder, ignore=shutil.ignore_patterns("S.*"))

    @contextmanager
    def running(self) -> Iterator[Village]:
        """The environment is the other box's meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MOKANDA_DATA", str(self._folder))
            box = Village(self._village.claim)
            box.accounts = dict(self._village.accounts)
            try:
                yield box
            finally:
                box.store.close()


@pytest.fixture
def copy(village: Village, tmp_path: Path) -> Copy:
    return Copy(village, tmp_path / "copy")


def write_to_village(served: Served, text: str) -> None:
    served.world.write("ada@example.org", ["amina@kitenge.example"], text, text)


def sent(served: Served) -> list[str]:
    return sorted(mail.text for mail in served.world.sent)


def alerts(served: Served, kind: str) -> list[str]:
    with served.relay.database.reading() as session:
        return list(session.scalars(sa.select(Alert.text).where(Alert.kind == kind)))


def living(served: Served) -> list[Card]:
    with served.relay.database.reading() as session:
        return cards.living(session, devices.find(session, "kitenge"))


@BOTH_DATABASES
def test_the_card_that_was_served_last_goes_on_and_the_other_is_refused(
    village: Village, served: Served, copy: Copy
) -> None:
    village.sync()
    with copy.running() as other:
        other.sync()
    with pytest.raises(CopiedError):
        village.sync()
    write_to_village(served, "to the one that is served")
    with copy.running() as other:
        assert other.sync().received == 1
    for _ in range(2):
        with pytest.raises(CopiedError):
            village.sync()
    assert len(alerts(served, "cards")) == 1
    assert [each.served for each in living(served)] == [True, False]


def test_both_are_told(village: Village, copy: Copy) -> None:
    village.sync()
    with copy.running() as other:
        other.sync()
        assert card.other(other.store) is None
    with pytest.raises(CopiedError):
        village.sync()
    assert village.sessions()[0].error == refusals.SENTENCES[protocol.CARD_COPIED]
    with copy.running() as other:
        other.sync()
        assert card.other(other.store) is not None


def test_the_operator_chooses_the_other_one_which_gets_all_that_it_has_missed(
    village: Village, served: Served, copy: Copy
) -> None:
    village.sync()
    with copy.running() as other:
        write_to_village(served, "while it was not served")
        assert other.sync().received == 1
    village.write("waits here meanwhile")
    with pytest.raises(CopiedError):
        village.sync()
    [_, first] = living(served)
    devices.choose_card(served.relay, "kitenge", first.id)
    village.sync()
    village.sync()
    assert village.texts("inbox") == ["while it was not served"]
    assert village.texts("outbox") == []
    with copy.running() as other, pytest.raises(CopiedError):
        other.sync()
    village.sync()
    assert card.other(village.store) is not None
    eventually(lambda: sent(served) == ["waits here meanwhile"], "the mail at SendGrid")


def test_what_the_chosen_one_had_already_does_not_come_twice(
    village: Village, served: Served, copy: Copy
) -> None:
    write_to_village(served, "on both")
    village.sync()
    write_to_village(served, "on the copy alone")
    with copy.running() as other:
        other.sync()
        other.sync()
        assert sorted(other.texts("inbox")) == ["on both", "on the copy alone"]
    with pytest.raises(CopiedError):
        village.sync()
    [_, first] = living(served)
    devices.choose_card(served.relay, "kitenge", first.id)
    for _ in range(3):
        village.sync()
    assert sorted(village.texts("inbox")) == ["on both", "on the copy alone"]


def test_what_waited_when_the_card_was_copied_leaves_once(
    village: Village, served: Served, tmp_path: Path
) -> None:
    village.write("on both cards")
    copy = Copy(village, tmp_path / "copied-with-mail")
    village.sync()
    with copy.running() as other:
        other.write("on the copy")
        other.sync()
        assert other.texts("outbox") == []
    with pytest.raises(CopiedError):
        village.sync()
    [_, first] = living(served)
    devices.choose_card(served.relay, "kitenge", first.id)
    village.write("on the first")
    village.sync()
    eventually(lambda: len(served.world.sent) == 3, "the mails at SendGrid")
    assert sent(served) == ["on both cards", "on the copy", "on the first"]


def test_a_copy_that_takes_the_place_of_a_dead_card_is_served_like_it(
    village: Village, served: Served, copy: Copy
) -> None:
    village.sync()
    for _ in range(3):
        with copy.running() as other:
            other.sync()
    assert living(served) == []
    assert alerts(served, "cards") == []


def test_an_answer_that_gets_lost_makes_no_second_card(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = connection.Connection.hello

    def unheard(*arguments: object) -> None:
        said(*arguments)  # type: ignore[arg-type]
        raise CutError(Sentence("the link breaks"))

    for _ in range(cards.MAX_CARDS):
        with monkeypatch.context() as patch, pytest.raises(CutError):
            patch.setattr("mokanda_firmware.courier.run.CUTS", 1)
            patch.setattr(connection.Connection, "hello", unheard)
            village.sync()
        village.sync()
    assert living(served) == []
    with served.relay.database.reading() as session:
        assert len(session.scalars(sa.select(Card)).all()) == cards.MAX_CARDS


def test_an_answer_that_the_copy_got_is_not_taken_for_a_lost_one(
    village: Village, copy: Copy
) -> None:
    with copy.running() as other:
        other.sync()
    village.sync()  # what it brings is what was given before: the answer may have been lost
    with copy.running() as other, pytest.raises(CopiedError):
        other.sync()
    village.sync()


def test_a_device_that_knows_nothing_of_this_is_served_as_ever(served: Served) -> None:
    device = served.claimed_device()
    for _ in range(2):
        assert device.hello().card is None
    assert device.hello(card=b"").card is not None
    assert device.hello().card is None


def test_a_mark_of_any_length_does_no_harm(served: Served) -> None:
    device = served.claimed_device()
    for mark in (b"x" * 5000, b"\0", b"x" * 5000):
        given = device.hello(card=mark).card
        assert given is not None
        assert len(given) == protocol.CARD


def test_the_one_that_is_refused_does_not_end_the_session_of_the_other(
    served: Served,
) -> None:
    device = served.claimed_device()
    first = device.hello(card=b"").card
    second = device.hello(card=b"").card
    device.freeze()
    with pytest.raises(Exception, match=protocol.CARD_COPIED):
        device.hello(card=first)
    token = device.hello(card=second).token
    with pytest.raises(Exception, match=protocol.CARD_COPIED):
        device.hello(card=first)
    assert device.token == token
    assert device.upload(0).applied == device.up_applied


class TestOperatorsPages:
    @pytest.fixture(autouse=True)
    def two_cards(self, village: Village, copy: Copy) -> None:
        village.sync()
        with copy.running() as other:
            other.sync()
        with pytest.raises(CopiedError):
            village.sync()

    def form(self, served: Served) -> dict[str, str]:
        page = BeautifulSoup(served.get("/device/kitenge/cards")[1], "html.parser")
        other = page.select("input[name=card]:not([checked])")
        proof = page.select("input[name=proof]")
        return {"card": str(other[0]["value"]), "proof": str(proof[0]["value"])}

    def test_the_fleet_page_says_so_and_leads_to_the_choice(self, served: Served) -> None:
        page = BeautifulSoup(served.get("/")[1], "html.parser")
        assert page.select("td a")[0]["href"] == "device/kitenge/cards"
        assert "two cards" in page.text
        assert 'mokanda_device_cards{device="kitenge"} 2' in served.get("/metrics")[1]

    def test_it_tells_by_what_to_choose(self, served: Served, village: Village, copy: Copy) -> None:
        write_to_village(served, "on the copy alone")
        with copy.running() as other:
            other.sync()
            other.sync()
        village.write("waits")
        with pytest.raises(CopiedError):
            village.sync()
        copied, first = living(served)
        assert copied.served
        assert copied.applied_down is not None
        assert first.applied_down is not None
        assert copied.applied_down > first.applied_down
        assert first.announced_up is not None
        assert copied.villagers == len(village.accounts)
        assert (first.address, copied.address) == ("127.0.0.1", "127.0.0.1")
        page = BeautifulSoup(served.get("/device/kitenge/cards")[1], "html.parser")
        [shown, other_shown] = [" ".join(each.text.split()) for each in page.select("label")]
        assert f"card {copied.id}: served last" in shown
        assert f"{copied.called:%Y-%m-%d %H:%M}" in shown
        assert "from 127.0.0.1" in shown
        assert f"villagers that it told of: {copied.villagers}" in shown
        assert f"card {first.id}: refused last" in other_shown
        assert f"letters that waits on it: {first.announced_up}" in other_shown

    def test_the_choice_is_made_by_a_form(self, served: Served, village: Village) -> None:
        assert served.post("/device/kitenge/cards", self.form(served))[0] == 200
        village.sync()
        assert "Only one card" in served.get("/device/kitenge/cards")[1]

    @pytest.mark.parametrize(
        ("changed", "status"),
        [
            ({"proof": ""}, 403),
            ({"proof": "é"}, 403),
            ({"card": "12345"}, 409),
            ({"card": "-1"}, 409),
            ({"card": "9" * 2000}, 403),
        ],
    )
    def test_what_is_not_this_form_changes_nothing(
        self, served: Served, changed: dict[str, str], status: int
    ) -> None:
        before = [(each.id, each.served) for each in living(served)]
        form = self.form(served) | changed
        assert served.post("/device/kitenge/cards", form)[0] == status
        assert [(each.id, each.served) for each in living(served)] == before

    def test_a_device_that_is_not_there_has_none(self, served: Served) -> None:
        assert served.get("/device/nobody/cards")[0] == 404
        assert served.get("/device/kitenge/cards", Authorization="")[0] == 401
