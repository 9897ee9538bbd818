# SPDX-License-Identifier: Apache-2.0
"""Names of villagers: those who are called the same are told apart, those of roles are nobody's."""

import pytest

from mokanda_wire.bundle import Mail
from mokanda_wire.message import Mailbox
from mokanda_wire.role_names import ROLE_NAMES
from tests.unit.webmail.served_village import DOMAIN, Village
from tests.unit.webmail.test_letters import bring, from_world


class TestNamesakes:
    def test_are_told_apart_everywhere(self, village: Village) -> None:
        awa, other = village.villager("awa", "Awa Mboyo"), village.villager("awa2", "AWA  mboyo")
        ben = village.villager("ben", "Ben")
        awa.write("ben")
        assert "awa (Awa Mboyo)" in ben.get("/inbox").text
        assert "awa (Awa Mboyo)" in ben.open_first().text
        choices = ben.get("/write").text
        assert "awa2 (AWA mboyo)" in choices
        assert "ben (" not in awa.get("/sent").text
        for phone, name in ((awa, "awa (Awa Mboyo)"), (other, "awa2 (AWA mboyo)")):
            assert f"Lists show yours as “{name}”" in phone.get("/account").text
        assert "Lists show" not in ben.get("/account").text

    def test_are_told_apart_on_the_noticeboard_and_where_keepers_look(
        self, village: Village
    ) -> None:
        awa, other = village.villager("awa", "Awa"), village.villager("awa2", "Awa")
        awa.post("/villagers/2/role", 303, role="helper")
        awa.post("/news", 303, title="Zando", text="Sámedi")
        other.post("/news", 303, title="Kelasi", text="Lundi")
        board = [each.get_text() for each in awa.get("/news").html.select("article bdi")]
        assert board == ["awa2 (Awa)", "awa (Awa)"]
        names = [each.get_text() for each in awa.get("/villagers").html.select(".letters .who")]
        assert names == ["awa (Awa)", "awa2 (Awa)"]

    def test_are_told_apart_when_one_of_them_is_gone(self, village: Village) -> None:
        keeper, other = village.villager("awa", "Awa"), village.villager("awa2", "Awa")
        keeper.post("/villagers/2/role", 303, role="helper")
        other.post("/news", 303, title="Kelasi", text="Lundi")
        other.write("awa")
        keeper.post("/villagers/2/delete", 303, sure="1")
        assert "awa2 (Awa)" in keeper.get("/news").text
        assert "awa2 (Awa)" in keeper.get("/inbox").text

    def test_by_whatever_name_are_no_namesakes_of_themselves(self, village: Village) -> None:
        awa, ben = village.villager("awa", "Awa"), village.villager("ben", "Ben")
        awa.post("/account/aliases", 303, alias="mama")
        bring(
            village,
            Mail((f"ben@{DOMAIN}",), from_world(to=(Mailbox(f"mama@{DOMAIN}", "Awa"),)).message),
        )
        assert "mama (Awa)" not in ben.open_first().text

    def test_in_the_world_have_their_address_with_the_name(self, village: Village) -> None:
        awa = village.villager("awa")
        village.villager("ben", "Ben Itimi")
        people = (
            Mailbox("thief@evil.example", "ben  ITIMI"),
            Mailbox(f"awa@{DOMAIN}", "Ben Itimi"),
        )
        bring(village, from_world(to=people))
        shown = [each.get_text() for each in awa.open_first().html.select(".people bdi")]
        assert shown[1:] == ["thief@evil.example (ben  ITIMI)", "awa (Ben Itimi)"]

    def test_one_hears_of_it_when_one_registers(self, village: Village) -> None:
        village.villager("awa", "Awa Mboyo")
        form = village.phone().get("/register").forms[0]
        form["name"], form["display_name"] = "awa2", "\u200eawa mboyo\u202e"
        form["password"] = form["again"] = "elombe-2026"
        assert "Lists show yours as “awa2 (awa mboyo)”" in form.submit().text

    def test_hide_nothing_in_their_names(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.post("/account/name", 303, display_name="\u202eAwa\u200b \u2066Mboyo\u2069")
        assert village.rows("account")[0]["display_name"] == "Awa Mboyo"
        awa.post("/account/name", 422, display_name="\u200b\u200e")


class TestNamesOfRoles:
    @pytest.mark.parametrize("name", ["postmaster", "admin", "gardien", "mokanda", "ssl-admin"])
    def test_are_nobodys(self, village: Village, name: str) -> None:
        awa = village.villager("awa")
        awa.post("/account/aliases", 409, alias=name)
        form = village.phone().get("/register").forms[0]
        form["name"], form["display_name"] = name, "Eve"
        form["password"] = form["again"] = "elombe-2026"
        assert "Please choose another one" in form.submit(status=409).text

    def test_reach_the_keeper(self, village: Village) -> None:
        keeper, ben = village.villager("awa"), village.villager("ben")
        ben.write("keeper", "Clé")
        address = f"abuse+x@{DOMAIN}"
        mail = from_world(to=(Mailbox(address),), subject="Complaint")
        bring(village, Mail((address,), mail.message))
        assert keeper.letters() == ["Complaint", "Clé"]
        assert ben.letters() == []

    def test_stay_with_who_has_had_one(self, village: Village) -> None:
        keeper, ben = village.villager("awa"), village.villager("ben")
        with village.store.transaction() as connection:
            connection.execute("UPDATE account SET name = 'info' WHERE name = 'ben'")
        keeper.write("info", "Mbote")
        assert ben.letters() == ["Mbote"]

    def test_are_told_from_villagers_by_both_ends_alike(self) -> None:
        assert all(name == name.lower() and "+" not in name for name in ROLE_NAMES)
