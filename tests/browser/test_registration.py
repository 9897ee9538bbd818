# SPDX-License-Identifier: Apache-2.0
"""Coming to the webmail and back to it, on a phone without JavaScript."""

import pytest

from tests.browser.conftest import PASSWORD, Phones

pytestmark = pytest.mark.browser


def test_who_has_forgotten_the_password_comes_in_by_the_code(phones: Phones) -> None:
    awa = phones()
    awa.open("/register")
    awa.fill(name="awa", display_name="Awa", password=PASSWORD, again=PASSWORD)
    awa.press("Register")
    code = awa.page.inner_text(".secret")
    awa.shoot("recovery-code")
    other = phones()
    other.open()
    other.press("Forgotten your password?")
    other.fill(name="awa", code=code.upper(), password="mwasi-2027", again="mwasi-2027")
    other.shoot("forgotten")
    other.press("Change the password")
    assert other.page.inner_text(".secret") != code
    other.press("I have written it down")
    assert other.page.url.endswith("/inbox")


def test_a_keeper_closes_registration_and_adds_somebody(phones: Phones) -> None:
    awa, ben = phones(), phones()
    awa.register("awa")
    awa.open("/villagers")
    awa.page.get_by_label("only whom the keeper adds").check()
    awa.press("Save")
    ben.open("/register")
    assert "gives out the accounts here" in ben.page.inner_text("main")
    ben.shoot("closed")
    awa.press("Add a villager")
    awa.fill(name="ben", display_name="Ben")
    awa.press("Make the account")
    password = awa.page.inner_text(".secret")
    awa.shoot("added")
    ben.open()
    ben.fill(name="ben", password=password)
    ben.press("Log in")
    assert "choose a new password" in ben.page.inner_text(".note")
