# SPDX-License-Identifier: Apache-2.0
"""Who gets an account, how one comes back to it, how much room it has, and how it ends."""

import mailbox as mbox_reader
from pathlib import Path

import pytest
from webtest import TestResponse

from mokanda_firmware.mailbox.administration import housekeeping
from mokanda_firmware.mailbox.costs import quotas
from mokanda_firmware.mailbox.people import accounts, registration
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync import outgoing
from tests.unit.webmail.served_village import DOMAIN, PASSWORD, Phone, Village

NEW = "mwasi-2027"


def try_to_register(village: Village, name: str, code: str = "", status: int = 200) -> TestResponse:
    form = village.phone().get(f"/register?code={code}").forms[0]
    form["name"], form["display_name"] = name, name.title()
    form["password"] = form["again"] = PASSWORD
    return form.submit(status=status)


def set_rule(keeper: Phone, way: str, **fields: str) -> TestResponse:
    return keeper.post("/villagers/rule", status=303, way=way, **fields).follow()


class TestWhoMayRegister:
    """Everybody, who knows the code, or only whom the keeper adds."""

    def test_who_writes_the_whole_address_means_the_name(self, village: Village) -> None:
        try_to_register(village, f"Awa@{DOMAIN.title()} ")
        assert village.rows("account")[0]["name"] == "awa"
        assert "starts with a letter" in try_to_register(village, "x@y.example", status=422).text

    def test_with_the_code_of_the_village(self, village: Village) -> None:
        keeper = village.villager("awa")
        code = set_rule(keeper, "code").html.select_one(".secret").get_text()
        assert "not the code" in try_to_register(village, "ben", "wrong", status=403).text
        try_to_register(village, "ben", code.upper().replace("-", " "))
        assert len(village.rows("account")) == 2

    def test_a_new_code_ends_the_old_one(self, village: Village) -> None:
        keeper = village.villager("awa")
        old = set_rule(keeper, "code").html.select_one(".secret").get_text()
        assert old in set_rule(keeper, "code").text
        assert old not in set_rule(keeper, "code", new_code="1").text
        try_to_register(village, "ben", old, status=403)

    def test_guessing_the_code_takes_long(self, village: Village) -> None:
        set_rule(village.villager("awa"), "code")
        for _ in range(5):
            try_to_register(village, "ben", "wrong", status=403)
        code = registration.rule(village.store).code
        assert "Please try again in" in try_to_register(village, "ben", code, status=429).text

    def test_nobody_but_who_is_added(self, village: Village) -> None:
        keeper = village.villager("awa")
        set_rule(keeper, "closed")
        page = village.phone().get("/register")
        assert "gives out the accounts" in page.text
        phone = village.phone()
        csrf = phone.token("/")
        fields = {"csrf": csrf, "name": "ben", "display_name": "Ben", "password": PASSWORD}
        phone.app.post("/register", {**fields, "again": PASSWORD}, status=403)
        form = keeper.get("/villagers/new").forms[0]
        form["name"], form["display_name"] = "ben", "Ben Ilunga"
        password = form.submit().html.select_one(".secret").get_text()
        ben = village.phone()
        ben.log_in("ben", password)
        assert ben.get("/inbox", status=303).location == "/account?note=must-change"

    def test_a_device_without_a_keeper_is_never_closed(self, village: Village) -> None:
        set_setting(village.store, registration.SETTING, registration.new_rule("closed"))
        try_to_register(village, "awa")


class TestForgottenPassword:
    """The recovery code lets one in, once."""

    def code_of(self, village: Village, name: str) -> str:
        return str(try_to_register(village, name).html.select_one(".secret").get_text())

    def recover(self, village: Village, name: str, code: str, status: int = 200) -> TestResponse:
        form = village.phone().get("/").click("Forgotten your password?").forms[0]
        form["name"], form["code"] = name, code
        form["password"] = form["again"] = NEW
        return form.submit(status=status)

    def test_the_code_sets_a_new_password_and_is_used_up(self, village: Village) -> None:
        code = self.code_of(village, "awa")
        page = self.recover(village, "Awa", f" {code.upper()} ")
        assert "Your password is changed" in page.text
        assert page.html.select_one(".secret").get_text() != code
        self.recover(village, "awa", code, status=403)
        assert village.phone().log_in("awa", NEW).location == "/inbox"
        assert village.phone().log_in("awa", PASSWORD).status_int == 403

    def test_other_phones_have_to_log_in_again(self, village: Village) -> None:
        code = self.code_of(village, "awa")
        other = village.phone()
        other.log_in("awa")
        self.recover(village, "awa", code)
        assert other.get("/inbox", status=303).location == "/"

    def test_codes_are_not_guessed(self, village: Village) -> None:
        code = self.code_of(village, "awa")
        for _ in range(5):
            self.recover(village, "awa", "aaaa-bbbb-cccc", status=403)
        assert "Please try again in" in self.recover(village, "awa", code, status=429).text

    @pytest.mark.parametrize("name", ["awa", "nobody"])
    def test_no_code_is_no_code(self, village: Village, name: str) -> None:
        self.code_of(village, "awa")
        with village.store.transaction() as connection:
            connection.execute("UPDATE account SET recovery = ''")
        self.recover(village, name, "", status=403)

    def test_a_suspended_villager_stays_out(self, village: Village) -> None:
        code = self.code_of(village, "awa")
        with village.store.transaction() as connection:
            connection.execute("UPDATE account SET suspended = 1")
        assert "suspended" in self.recover(village, "awa", code, status=403).text

    def test_a_new_code_takes_the_password_and_ends_the_old_code(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.post("/account/recovery", status=403, old="wrong")
        page = awa.post("/account/recovery", status=200, old=PASSWORD)
        code = page.html.select_one(".secret").get_text()
        assert accounts.recover(village.store, "awa", code, NEW) is not None

    def test_the_store_holds_no_code(self, village: Village) -> None:
        code = self.code_of(village, "awa")
        assert code not in str(village.rows("account"))
        assert code.replace("-", "") not in str(village.rows("account"))


class TestRoom:
    """A villager writes no more files than there is room for; letters always arrive."""

    def test_files_beyond_the_room_are_not_taken_and_the_text_stays(self, village: Village) -> None:
        awa = village.villager("awa")
        set_setting(village.store, quotas.SETTING, 10_000)
        awa.write("awa", files=(("a.bin", b"a" * 6_000, "image/jpeg"),))
        page = awa.write("awa", text="Malamu", files=(("b.bin", b"b" * 6_000, "a/b"),), status=413)
        assert "Your room on the device is used up" in page.text
        assert page.forms[0]["text"].value == "Malamu"
        awa.write("awa", text="Without files")
        assert "of 10 KB" in awa.get("/account").text

    def test_letters_arrive_where_there_is_no_room(self, village: Village) -> None:
        awa, ben = village.villager("awa"), village.villager("ben")
        number = next(row["id"] for row in village.rows("account") if row["name"] == "ben")
        awa.post(f"/villagers/{number}/quota", status=303, quota="20000000")
        with village.store.transaction() as connection:
            connection.execute("UPDATE account SET quota = 10 WHERE name = 'ben'")
        awa.write("ben", "Mbote")
        assert ben.letters() == ["Mbote"]

    def test_one_villager_may_have_more_than_the_others(self, village: Village) -> None:
        keeper = village.villager("awa")
        ben = village.villager("ben")
        keeper.post("/villagers/rule", status=303, way="open", quota="20000000")
        assert "of 20.0 MB" in ben.get("/account").text
        keeper.post("/villagers/2/quota", status=303, quota="500000000")
        assert "of 500.0 MB" in ben.get("/account").text
        keeper.post("/villagers/2/quota", status=303, quota="0")
        assert " of " not in ben.get("/account").html.select("section")[1].get_text()
        keeper.post("/villagers/2/quota", status=303, quota="")
        assert "of 20.0 MB" in ben.get("/account").text


class TestTheEndOfAnAccount:
    """Its mail can be taken along; what others have of it stays theirs."""

    def read(self, answer: TestResponse, path: Path) -> list[mbox_reader.mboxMessage]:
        path.write_bytes(answer.body)
        return list(mbox_reader.mbox(path, create=False))

    def test_all_letters_come_as_one_file(self, village: Village, tmp_path: Path) -> None:
        awa = village.villager("awa", "Awa Mboyo")
        awa.write("awa", "Été", "From here on\n>From there", files=(("é.gif", b"GIF89a", "a/b"),))
        awa.write("marie@example.org", "Merci")
        answer = awa.get("/account/mail.mbox")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="awa.mbox"'
        first, second = self.read(answer, tmp_path / "mbox")
        _, text, file = first.walk()
        assert b">From here on" in text.as_bytes()
        assert (file.get_filename(), file.get_payload(decode=True)) == ("é.gif", b"GIF89a")
        assert second["subject"] == "Merci"

    def test_a_file_that_is_not_here_is_left_out(self, village: Village, tmp_path: Path) -> None:
        awa = village.villager("awa")
        awa.write("awa", files=(("a.gif", b"GIF89a", "image/gif"),))
        for path in (tmp_path / "attachments").glob("*/*"):
            path.unlink()
        assert len(self.read(awa.get("/account/mail.mbox"), tmp_path / "mbox")) == 1

    def test_the_keeper_takes_the_mail_out_and_it_is_written_down(
        self, village: Village, tmp_path: Path
    ) -> None:
        keeper, ben = village.villager("awa"), village.villager("ben")
        ben.write("ben", "Private")
        answer = keeper.post("/villagers/2/export", status=200)
        assert self.read(answer, tmp_path / "mbox")[0]["subject"] == "Private"
        assert "mail taken out as a file" in keeper.get("/villagers").text

    def test_deleting_takes_the_account_and_leaves_others_their_letters(
        self, village: Village
    ) -> None:
        keeper, ben = village.villager("awa"), village.villager("ben")
        ben.write("awa", "Stays")
        ben.write("ben", "Goes")
        ben.write("marie@example.org", "Waits")
        ben.write("awa", "Draft", button="save")
        keeper.post("/villagers/2/delete", status=422)
        keeper.post("/villagers/2/delete", status=303, sure="1")
        assert ben.get("/inbox", status=303).location == "/"
        assert [row["name"] for row in village.rows("account")] == ["awa"]
        assert keeper.letters() == ["Stays"]
        assert [row["subject"] for row in village.rows("message")] == ["Stays"]
        assert village.rows("draft") == []
        assert outgoing.waiting(village.store, 10**6) == []
        assert "deleted" in keeper.get("/villagers").text

    def test_nobody_gets_the_name_of_who_was_deleted_until_it_is_released(
        self, village: Village
    ) -> None:
        keeper, ben = village.villager("awa"), village.villager("ben")
        ben.post("/account/aliases", status=303, alias="papa")
        keeper.post("/villagers/2/delete", status=303, sure="1")
        try_to_register(village, "ben", status=409)
        keeper.post("/account/aliases", status=409, alias="papa")
        answer = keeper.post("/villagers/new", status=409, name="ben", display_name="Ben")
        assert "mail for them would reach its new owner" in answer.text
        with village.store.transaction() as connection:
            connection.execute("UPDATE reserved_name SET at = 0")
        housekeeping.tidy(village.store)
        try_to_register(village, "ben")

    def test_the_keeper_gives_such_a_name_free_and_is_warned(self, village: Village) -> None:
        keeper = village.villager("awa")
        village.villager("ben")
        keeper.post("/villagers/2/delete", status=303, sure="1")
        page = keeper.get("/villagers")
        assert "who gets the name gets that mail too" in page.text
        form = next(one for one in page.forms.values() if one.action == "/villagers/names")
        form.submit(status=422)
        form["sure"] = "1"
        assert "name given free" in form.submit().follow().text
        try_to_register(village, "ben")
        keeper.post("/villagers/names", status=403, name="ben", sure="1")

    @pytest.mark.parametrize("what", ["delete", "export", "quota"])
    def test_a_helper_does_none_of_this(self, village: Village, what: str) -> None:
        keeper, helper = village.villager("awa"), village.villager("ben")
        village.villager("chantal")
        keeper.post("/villagers/2/role", status=303, role="helper")
        helper.post(f"/villagers/3/{what}", status=403, sure="1", quota="0")
        assert len(village.rows("account")) == 3
