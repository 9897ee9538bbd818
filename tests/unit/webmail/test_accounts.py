# SPDX-License-Identifier: Apache-2.0
"""Registering, logging in and out."""

import hashlib
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from webtest import Form

from mokanda_firmware import boot
from mokanda_firmware.mailbox.administration import housekeeping
from mokanda_firmware.mailbox.people import accounts, sessions
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store, StoreFull
from tests.unit.webmail.served_village import PASSWORD, Phone, Village


def test_the_first_one_to_register_is_the_keeper(village: Village) -> None:
    village.villager("awa")
    village.villager("ben")
    assert [(row["name"], row["role"]) for row in village.rows("account")] == [
        ("awa", "keeper"),
        ("ben", "villager"),
    ]


def test_who_has_registered_is_logged_in_and_gets_a_recovery_code(village: Village) -> None:
    phone = village.phone()
    form = phone.get("/register").forms[0]
    form["name"], form["display_name"] = "awa", "Awa Mboyo"
    form["password"] = form["again"] = PASSWORD
    page = form.submit()
    assert "Welcome, Awa Mboyo!" in page.text
    assert re.fullmatch(r"(\w{4}-){2}\w{4}", page.html.select_one(".secret").get_text())
    assert "You are the keeper" in page.text
    assert page.click("I have written it down").request.path == "/inbox"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "É"}, "starts with a letter"),
        ({"name": "a"}, "2 to 32"),
        ({"name": "awa@example.org"}, "starts with a letter"),
        ({"name": "<script>"}, "starts with a letter"),
        ({"display_name": " "}, "Please tell your name."),
        ({"password": "short", "again": "short"}, "at least 8 characters"),
        ({"again": "something else"}, "not the same"),
    ],
)
def test_a_registration_that_cannot_be_taken_says_why_and_keeps_the_rest(
    village: Village, changes: dict[str, str], sentence: str
) -> None:
    form = village.phone().get("/register").forms[0]
    fields = {"name": "awa", "display_name": "Awa", "password": PASSWORD, "again": PASSWORD}
    for name, value in {**fields, **changes}.items():
        form[name] = value
    page = form.submit(status=422)
    assert sentence in page.text
    assert page.forms[0]["name"].value == {**fields, **changes}["name"]
    assert village.rows("account") == []


def test_a_name_is_given_once(village: Village) -> None:
    village.villager("awa")
    form = village.phone().get("/register").forms[0]
    form["name"], form["display_name"] = "AWA", "Another Awa"
    form["password"] = form["again"] = PASSWORD
    assert "has this name already" in form.submit(status=409).text


def test_a_session_has_a_cookie_that_scripts_and_other_sites_do_not_get(village: Village) -> None:
    village.villager("awa")
    cookie = village.phone().log_in("awa").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_logging_in_gives_a_new_token(village: Village) -> None:
    village.villager("awa")
    phone = village.phone()
    phone.get("/")
    before = phone.app.cookies["mokanda"]
    phone.log_in("awa")
    assert phone.app.cookies["mokanda"] != before


def test_the_store_holds_no_token_that_opens_a_session(village: Village) -> None:
    phone = village.villager("awa")
    token = phone.app.cookies["mokanda"]
    assert token.encode() not in b"".join(row["token"] for row in village.rows("session"))


def test_logging_out_ends_the_session_on_the_device(village: Village) -> None:
    phone = village.villager("awa")
    token = phone.app.cookies["mokanda"]
    phone.get("/inbox").forms[0].submit()
    thief = village.phone()
    thief.app.set_cookie("mokanda", token)
    assert thief.get("/inbox", status=303).location == "/"


def test_a_phone_forgets_its_session_also_when_the_disk_is_full(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = village.villager("awa")

    def full(*_: object) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(sessions, "close_session", full)
    assert phone.post("/logout").location == "/?note=logged-out"
    assert phone.get("/inbox", status=303).location == "/"


@pytest.mark.parametrize("shared", [False, True])
def test_on_a_full_disk_nobody_logs_in_and_who_has_goes_on_reading(
    village: Village, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    awa, phone = village.villager("awa"), village.phone()
    form = phone.get("/").forms[0]
    form["name"], form["password"], form["shared"] = "awa", PASSWORD, shared
    village.fill_up(monkeypatch)
    assert "nobody can log in now" in form.submit(status=507).text
    awa.get("/inbox")


def test_names_are_not_told_from_passwords(village: Village) -> None:
    village.villager("awa")
    answers = {
        village.phone().log_in(name, "wrong", status=403).text.partition("<form")[0]
        for name in ("awa", "nobody")
    }
    assert len(answers) == 1


def test_upper_case_and_the_whole_address_log_in_too(village: Village) -> None:
    village.villager("awa")
    assert village.phone().log_in(" Awa@boende.example.org ").location == "/inbox"


def test_a_suspended_villager_does_not_come_in_and_is_put_out(village: Village) -> None:
    phone = village.villager("awa")
    with village.store.transaction() as connection:
        connection.execute("UPDATE account SET suspended = 1")
    assert phone.get("/inbox", status=303).location == "/"
    assert "suspended" in village.phone().log_in("awa", status=403).text


def test_a_phone_that_guesses_passwords_has_to_wait(village: Village) -> None:
    village.villager("awa")
    thief = village.phone("192.168.4.66")
    for _ in range(5):
        thief.log_in("awa", "wrong", status=403)
    assert "try again in 1 minute" in thief.log_in("awa", status=429).text


def test_the_villager_whose_password_is_guessed_still_comes_in(village: Village) -> None:
    village.villager("awa")
    thief = village.phone("192.168.4.66")
    for _ in range(6):
        thief.log_in("awa", "wrong")
    assert village.phone("192.168.4.20").log_in("awa").location == "/inbox"


def test_a_phone_that_guesses_names_has_to_wait(village: Village) -> None:
    thief = village.phone("192.168.4.66")
    for number in range(20):
        thief.log_in(f"name{number}", "wrong", status=403)
    thief.log_in("another", "wrong", status=429)


def test_phones_that_guess_one_password_together_have_to_wait(village: Village) -> None:
    village.villager("awa")
    for number in range(20):
        village.phone(f"192.168.5.{number}").log_in("awa", "wrong", status=403)
    village.phone("192.168.5.99").log_in("awa", "wrong", status=429)


def test_the_villagers_own_phone_is_not_made_to_wait_by_them(village: Village) -> None:
    village.villager("awa")
    own = village.phone("192.168.4.9")
    assert own.log_in("awa").status_code == 303
    for number in range(20):
        village.phone(f"192.168.5.{number}").log_in("awa", "wrong", status=403)
    assert village.phone("192.168.4.9").log_in("awa").status_code == 303


def test_a_log_in_of_ones_own_buys_no_further_guesses(village: Village) -> None:
    village.villager("awa")
    village.villager("thief")
    for number in range(20):
        village.phone().log_in(f"name{number}", "wrong", status=403)
        if number == 18:
            village.phone().log_in("thief", status=303)
    village.phone().log_in("awa", "wrong", status=429)


def test_guesses_at_the_same_time_count_all(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.villager("awa")
    hashed: list[str] = []
    others_are_answered = threading.Event()

    def hash_until_then(password: str, _hashed: str) -> bool:
        hashed.append(password)
        others_are_answered.wait(20)
        return False

    monkeypatch.setattr(accounts, "matches", hash_until_then)
    forms = [village.phone().get("/").forms[0] for _ in range(12)]

    def guess(form: Form) -> int:
        form["name"], form["password"] = "awa", "wrong"
        return int(form.submit(status="*").status_code)

    with ThreadPoolExecutor(12) as pool:
        answers = as_completed([pool.submit(guess, form) for form in forms])
        assert [next(answers).result() for _ in range(7)] == [429] * 7
        others_are_answered.set()
    assert len(hashed) == 5


def test_a_phone_makes_no_fifteen_accounts_at_once(village: Village) -> None:
    village.villager("awa")
    phone = village.phone()
    for number in range(15):
        fields = {"csrf": phone.token("/register"), "password": PASSWORD, "again": PASSWORD}
        fields |= {"name": f"mob{number}", "display_name": "Mob"}
        page = phone.app.post("/register", fields, status="*")
    assert page.status_code == 429
    assert "Many accounts were made just now" in page.text
    assert len(village.rows("account")) == 6


def test_a_password_takes_sixteen_mebibytes_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "mail.db", tmp_path / "attachments")
    costs = []
    scrypt = hashlib.scrypt

    def watched(password: bytes, **options: Any) -> bytes:  # noqa: ANN401 - as hashlib has it
        costs.append(128 * options["n"] * options["r"])
        return scrypt(password, **options)

    monkeypatch.setattr(hashlib, "scrypt", watched)
    accounts.register(store, "awa", "Awa", PASSWORD, "")
    assert accounts.authenticate(store, "awa", PASSWORD)
    assert not accounts.authenticate(store, "nobody", PASSWORD)
    assert costs == [16 << 20] * 3


def test_the_same_password_typed_on_another_phone_is_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "mail.db", tmp_path / "attachments")
    accounts.register(store, "awa", "Awa", "mbot\u00e9 bolingo", "")
    assert accounts.authenticate(store, "awa", "mbote\u0301 bolingo")


class Passing:
    """Time that passes, by a clock of the wall that may say anything."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.wall = time.time()
        self.boot = 1000.0
        patch.setattr(clock, "now", lambda: int(self.wall))
        patch.setattr(boot, "seconds", lambda: self.boot)

    def minutes(self, minutes: int) -> None:
        self.wall += minutes * 60
        self.boot += minutes * 60


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Passing:
    return Passing(monkeypatch)


class TestASharedPhone:
    def shared(self, village: Village) -> Phone:
        village.villager("awa")
        phone = village.phone()
        form = phone.get("/").forms[0]
        form["name"], form["password"], form["shared"] = "awa", PASSWORD, True
        answer = form.submit(status=303)
        token = next(one for one in answer.headers.getall("Set-Cookie") if "mokanda=" in one)
        assert "Max-Age" not in token  # it ends with the browser
        return phone

    def test_is_logged_out_half_an_hour_after_its_last_use(
        self, village: Village, passing: Passing
    ) -> None:
        phone = self.shared(village)
        for _ in range(2):
            passing.minutes(25)
            phone.get("/inbox")
        passing.minutes(31)
        assert phone.get("/inbox", status=303).location == "/"

    @pytest.mark.parametrize("year", [1970, 2026, 2099])
    def test_is_logged_out_whatever_the_clock_says(
        self, village: Village, passing: Passing, year: int
    ) -> None:
        passing.wall = datetime(2099, 1, 1, tzinfo=UTC).timestamp()
        phone = self.shared(village)
        phone.get("/inbox")
        passing.wall = datetime(year, 1, 1, 3, tzinfo=UTC).timestamp()
        passing.minutes(31)
        assert phone.get("/inbox", status=303).location == "/"

    def test_stays_logged_in_when_the_clock_is_set(
        self, village: Village, passing: Passing
    ) -> None:
        phone = self.shared(village)
        passing.wall += 365 * 86400
        phone.get("/inbox")

    def test_is_logged_out_by_a_power_cut(
        self, village: Village, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phone = self.shared(village)
        monkeypatch.setattr(boot, "name", lambda: "the next boot")
        assert phone.get("/inbox", status=303).location == "/"

    def test_stays_one_when_the_password_is_changed(
        self, village: Village, passing: Passing
    ) -> None:
        phone = self.shared(village)
        new = {"old": PASSWORD, "password": "new-" + PASSWORD, "again": "new-" + PASSWORD}
        phone.post("/account/password", 303, **new)
        passing.minutes(31)
        phone.get("/inbox", status=303)


class TestAPhoneOfOnesOwn:
    def test_stays_logged_in(self, village: Village, passing: Passing) -> None:
        awa = village.villager("awa")
        passing.minutes(60 * 24 * 30)
        housekeeping.tidy(village.store)
        awa.get("/inbox")

    def test_stays_logged_in_while_others_log_in_by_a_wrong_clock(
        self, village: Village, passing: Passing
    ) -> None:
        awa, today = village.villager("awa"), passing.wall
        housekeeping.tidy(village.store)
        for year in (2099, 1970):
            passing.wall = datetime(year, 1, 1, tzinfo=UTC).timestamp()
            housekeeping.tidy(village.store)
            village.phone().log_in("awa")
            awa.get("/inbox")
        passing.wall = today
        housekeeping.tidy(village.store)
        awa.get("/inbox")

    def test_is_logged_out_half_a_year_after_its_last_use(
        self, village: Village, passing: Passing
    ) -> None:
        awa = village.villager("awa")
        for _ in range(181):
            passing.minutes(60 * 24)
            housekeeping.tidy(village.store)
        assert awa.get("/inbox", status=303).location == "/"


def test_a_new_password_ends_every_session(village: Village) -> None:
    phone = village.villager("awa")
    accounts.set_password(village.store, 1, "another password")
    assert phone.get("/inbox", status=303).location == "/"
    assert village.phone().log_in("awa", "another password").location == "/inbox"
