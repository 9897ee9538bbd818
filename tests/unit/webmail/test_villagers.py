# SPDX-License-Identifier: Apache-2.0
"""One's own account, and what keepers and helpers do to those of others."""

import re

import pytest
from webtest import Form, TestResponse

from mokanda_firmware.mailbox.administration import audit, villagers
from mokanda_firmware.mailbox.costs import usage
from tests.unit.webmail.served_village import PASSWORD, Village


def form_of(page: TestResponse, end: str) -> Form:
    """The form of a page whose action ends like this."""
    return next(form for form in page.forms.values() if form.action.endswith(end))


def test_the_keeper_sees_every_villager(village: Village) -> None:
    keeper = village.villager("awa")
    village.villager("ben", "Ben Ilunga").write("awa", text="x" * 50_000)
    with village.store.transaction() as connection:
        usage.charge(connection, 2, up=7_000, down=9_000)
    page = keeper.get("/villagers")
    assert "Ben Ilunga" in page.text
    assert "50 KB" in page.text
    assert "this month 16 KB" in page.text


def test_a_suspended_villager_is_out_until_let_in_again(village: Village) -> None:
    keeper, ben = village.villager("awa"), village.villager("ben")
    form_of(keeper.get("/villagers/2"), "/suspend").submit("suspended")
    assert ben.get("/inbox", status=303).location == "/"
    keeper.write("ben", "Still arrives")
    assert "suspended" in village.phone().log_in("ben").text
    form_of(keeper.get("/villagers/2"), "/suspend").submit("suspended")
    phone = village.phone()
    phone.log_in("ben")
    assert phone.letters() == ["Still arrives"]


def test_a_new_password_is_shown_once_and_has_to_be_changed(village: Village) -> None:
    keeper, ben = village.villager("awa"), village.villager("ben")
    page = form_of(keeper.get("/villagers/2"), "/password").submit()
    password = page.html.select_one(".secret").get_text()
    assert re.fullmatch("[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}", password)
    assert password not in keeper.get("/villagers/2").text
    assert ben.get("/inbox", status=303).location == "/"
    ben = village.phone()
    ben.log_in("ben", password)
    for path in ("/inbox", "/write", "/more"):
        assert ben.get(path, status=303).location == "/account?note=must-change"
    form = form_of(ben.get("/account"), "/password")
    form["old"] = password
    form["password"] = form["again"] = "my own words"
    form.submit()
    assert ben.letters() == []
    assert village.phone().log_in("ben", "my own words").location == "/inbox"


def test_a_helper_helps_villagers_and_nobody_else(village: Village) -> None:
    keeper, ben = village.villager("awa"), village.villager("ben")
    village.villager("chantal")
    form = form_of(keeper.get("/villagers/2"), "/role")
    form["role"] = "helper"
    form.submit()
    assert "suspend" in ben.get("/villagers/3").text
    assert 'action="/villagers' not in ben.get("/villagers/1").text
    ben.post("/villagers/3/suspend", status=303, suspended="1")
    ben.post("/villagers/1/suspend", status=403, suspended="1")
    ben.post("/villagers/1/password", status=403)
    ben.post("/villagers/2/role", status=403, role="keeper")
    ben.post("/device/sync", status=403)
    assert [row["suspended"] for row in village.rows("account")] == [0, 0, 1]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/villagers/1/suspend", {"suspended": "1"}),
        ("/villagers/1/role", {"role": "villager"}),
        ("/villagers/2/role", {"role": "king"}),
        ("/villagers/99/password", {}),
    ],
)
def test_what_no_keeper_may_do(village: Village, path: str, fields: dict[str, str]) -> None:
    keeper = village.villager("awa")
    village.villager("ben")
    before = village.rows("account")
    keeper.post(path, status=403, **fields)
    assert village.rows("account") == before


def test_what_was_done_is_written_down(village: Village) -> None:
    keeper = village.villager("awa")
    village.villager("ben")
    keeper.post("/villagers/2/suspend", suspended="1")
    keeper.post("/villagers/2/password")
    text = keeper.get("/villagers").text
    assert "suspended (awa)" in text
    assert "new password (awa)" in text


def test_what_a_newer_version_has_written_down_breaks_no_page(village: Village) -> None:
    keeper = village.villager("awa")
    awa = villagers.find(village.store, 1)
    assert awa is not None
    audit.record_act(village.store, awa, "a deed of tomorrow")
    assert "a deed of tomorrow (awa)" in keeper.get("/villagers").text


def test_one_changes_ones_name(village: Village) -> None:
    awa = village.villager("awa")
    form = form_of(awa.get("/account"), "/name")
    form["display_name"] = " Maman  Awa "
    form.submit()
    awa.write("awa")
    assert "Maman Awa" in awa.open_first().text


def test_one_changes_ones_password_and_other_phones_are_out(village: Village) -> None:
    awa = village.villager("awa")
    other = village.phone()
    other.log_in("awa")
    form = form_of(awa.get("/account"), "/password")
    form["old"] = PASSWORD
    form["password"] = form["again"] = "another password"
    assert "Other phones" in form.submit().follow().text
    assert other.get("/inbox", status=303).location == "/"
    assert awa.letters() == []


@pytest.mark.parametrize(
    ("old", "new", "again", "sentence"),
    [
        ("wrong", "another password", "another password", "not your password"),
        (PASSWORD, "short", "short", "at least 8"),
        (PASSWORD, "another password", "mistyped", "not the same"),
    ],
)
def test_a_password_that_cannot_be_changed_stays(
    village: Village, old: str, new: str, again: str, sentence: str
) -> None:
    awa = village.villager("awa")
    form = form_of(awa.get("/account"), "/password")
    form["old"], form["password"], form["again"] = old, new, again
    assert sentence in form.submit(status="*").text
    assert village.phone().log_in("awa").location == "/inbox"


def test_a_stolen_session_does_not_guess_the_password(village: Village) -> None:
    awa = village.villager("awa")
    for _ in range(5):
        awa.post("/account/password", status=403, old="wrong")
    awa.post("/account/password", status=429, old=PASSWORD, password="x" * 9, again="x" * 9)
