# SPDX-License-Identifier: Apache-2.0
"""Unwanted letters: blocking from a letter, one's own list, and the keeper's."""

from dataclasses import replace

import pytest

from mokanda_firmware.mailbox.people import unwanted
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_wire.bundle import Denial
from mokanda_wire.items import DONE
from tests.unit.webmail.served_village import DOMAIN, Phone, Village
from tests.unit.webmail.test_letters import WORLD, bring, from_world

DOMAIN_OF_WORLD = WORLD.rpartition("@")[2]


def buttons(phone: Phone) -> list[str]:
    """What the open letter offers to block."""
    page = phone.open_first()
    return [str(each["value"]) for each in page.html.select('form[action$="/block"] button')]


def blocked(village: Village) -> list[tuple[int | None, str]]:
    return [(row["account"], row["writer"]) for row in village.rows("blocked")]


class TestFromALetter:
    """A letter of the world offers to block who has written it."""

    def test_the_address_or_all_of_its_domain(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, from_world())
        assert buttons(awa) == [WORLD, DOMAIN_OF_WORLD]
        page = awa.open_first()
        entry = page.request.path
        note = awa.post(f"{entry}/block", status=303, writer=WORLD).follow()
        assert "do not come any more" in note.text
        assert blocked(village) == [(1, WORLD)]

    def test_what_comes_all_the_same_is_in_the_trash(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, from_world())
        awa.post(f"{awa.open_first().request.path}/block", status=303, writer=DOMAIN_OF_WORLD)
        bring(village, from_world(message_id="2@example.org", subject="Again"))
        assert awa.letters() == ["Photos"]
        assert awa.letters("trash") == ["Again"]
        back = awa.press(awa.open_first("trash"), "back")
        assert back.status_int == 303
        assert "Again" in awa.letters()

    def test_nobody_else_can_be_named(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, from_world())
        entry = awa.open_first().request.path
        awa.post(f"{entry}/block", status=422, writer="org")
        assert blocked(village) == []

    def test_neighbours_and_whole_providers_are_not_offered(self, village: Village) -> None:
        awa, bila = village.villager("awa"), village.villager("bila")
        bila.write("awa")
        assert buttons(awa) == []
        assert unwanted.offered("Ada@Gmail.com") == ["ada@gmail.com"]

    def test_the_keeper_may_for_everybody(self, village: Village) -> None:
        keeper, awa = village.villager("papa"), village.villager("awa")
        bring(village, replace(from_world(), recipients=("papa@boende.example.org",)))
        entry = keeper.open_first().request.path
        keeper.post(f"{entry}/block", status=303, writer=WORLD, everybody="1")
        assert blocked(village) == [(None, WORLD)]
        assert WORLD in keeper.get("/device/unwanted").text
        assert WORLD not in awa.get("/account/unwanted").text


class TestLists:
    """Who is blocked is listed, and can be taken off the list."""

    @pytest.mark.parametrize(
        ("typed", "taken"),
        [
            ("Eve@Example.com", "eve@example.com"),
            (" @shop.example ", "shop.example"),
            ("shop.example", "shop.example"),
            ("<mailto:eve\uff20example.com>.", "eve@example.com"),
            ("Eve Adams <eve@example.com>", "eve@example.com"),
            ("*@shop.example", "shop.example"),
            ("*.shop.example", "shop.example"),
        ],
    )
    def test_addresses_and_domains_are_typed(
        self, village: Village, typed: str, taken: str
    ) -> None:
        awa = village.villager("awa")
        awa.post("/account/unwanted/block", status=303, writer=typed)
        assert blocked(village) == [(1, taken)]
        awa.post("/account/unwanted/unblock", status=303, writer=taken)
        assert blocked(village) == []

    @pytest.mark.parametrize("typed", ["", "com", "a b@example.org", "<script>", "@"])
    def test_what_is_neither_is_refused(self, village: Village, typed: str) -> None:
        page = village.villager("awa").post("/account/unwanted/block", status=422, writer=typed)
        assert "no address" in page.text
        assert blocked(village) == []

    @pytest.mark.parametrize("typed", [DOMAIN, f"ben@{DOMAIN}", f"*@{DOMAIN}", "village.invalid"])
    def test_neighbours_are_not_promised_to_be_kept_out(self, village: Village, typed: str) -> None:
        page = village.villager("awa").post("/account/unwanted/block", status=422, writer=typed)
        assert "Letters of people of the village cannot be blocked." in page.text
        assert blocked(village) == []

    def test_there_is_an_end(self, village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unwanted, "MAX_BLOCKED", 1)
        awa = village.villager("awa")
        awa.post("/account/unwanted/block", status=303, writer="one.example")
        awa.post("/account/unwanted/block", status=409, writer="two.example")

    def test_what_is_kept_back_is_counted_and_listed_on_request(self, village: Village) -> None:
        awa = village.villager("awa")
        assert "Kept back" not in awa.get("/account/unwanted").text
        set_setting(village.store, unwanted.COUNTS, {"awa": 3, "bila": 5})
        assert "3 letters wait" in awa.get("/account/unwanted").text
        page = awa.post("/account/unwanted/list", status=303).follow()
        assert "The list is asked for" in page.text
        [request] = village.rows("content_request")
        assert (request["kind"], request["name"]) == ("blocked", "awa")


class TestKeeper:
    """The keeper says what the village does not want to pay for."""

    def test_advertising_and_strangers(self, village: Village) -> None:
        keeper = village.villager("papa")
        form = keeper.get("/device/unwanted").forms[0]
        assert (form["spam"].value, form["strangers"].checked) == ("5", False)
        keeper.post("/device/unwanted", status=303, spam="4,5", strangers="1")
        assert unwanted.wishes(village.store) == unwanted.Wishes(4.5, strangers_by_night=True)
        keeper.post("/device/unwanted", status=303, spam="")
        assert unwanted.wishes(village.store) == unwanted.Wishes(None, strangers_by_night=False)
        for wrong in ("much", "0", "nan", "1e9"):
            keeper.post("/device/unwanted", status=422, spam=wrong)

    def test_it_is_for_the_keeper_alone(self, village: Village) -> None:
        village.villager("papa")
        village.villager("awa").get("/device/unwanted", status=403)


class TestUnsubscribing:
    """A newsletter offers to leave it, once, and then says how that goes."""

    def test_it_is_asked_for_and_answered(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, replace(from_world(can_unsubscribe=True), ticket="news"))
        entry = awa.open_first().request.path
        assert "Unsubscribe</button>" in awa.get(entry).text
        page = awa.post(f"{entry}/unsubscribe", status=303).follow()
        assert "You are to be unsubscribed" in page.text
        assert "Unsubscribe</button>" not in page.text
        bring(village, Denial("unsubscribe", "news", DONE))
        assert "You are unsubscribed." in awa.get(entry).text

    def test_it_is_said_and_holds_until_the_relay_has_been_told(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, replace(from_world(can_unsubscribe=True), ticket="news"))
        entry = awa.open_first().request.path
        assert "You can take that back until the next mail run" in awa.get(entry).text
        for _ in range(2):
            page = awa.post(f"{entry}/unsubscribe", status=303).follow()
        form = next(one for one in page.forms.values() if one.action.endswith("/unsubscribe"))
        page = form.submit("not", value="1").follow()
        assert village.rows("content_request") == []
        assert "Unsubscribe</button>" in page.text
        awa.post(f"{entry}/unsubscribe", status=303)
        with village.store.transaction() as connection:
            content_requests.bind(connection, 1, content_requests.unsent(connection))
        assert "Do not unsubscribe" not in awa.get(entry).text
        assert "told already" in awa.post(f"{entry}/unsubscribe", status=409, **{"not": "1"}).text
        assert len(village.rows("content_request")) == 1

    def test_other_letters_offer_nothing(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, replace(from_world(), ticket="letter"))
        entry = awa.open_first().request.path
        assert "Unsubscribe" not in awa.get(entry).text
        awa.post(f"{entry}/unsubscribe", status=422)
