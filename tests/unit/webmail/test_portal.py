# SPDX-License-Identifier: Apache-2.0
"""What phones that test their network are told, in every state of the device."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from webtest import TestResponse

from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.setup.hotspot import LEASE_SECONDS, PORTAL
from mokanda_firmware.webmail import captivity, probes
from mokanda_firmware.webmail.visit import PAGES
from tests.probes import CONTENT
from tests.unit.webmail.served_village import Phone, Village


def ask(phone: Phone, url: str) -> TestResponse:
    """Ask for a page of the world, as a system does: without cookies."""
    host = urlsplit(url).netloc
    phone.app.reset()
    return phone.app.get(url.partition(host)[2], headers={"Host": host}, status="*")


def is_of_a_new_device(village: Village) -> Phone:
    with village.store.transaction() as connection:
        connection.execute("DELETE FROM setting")
    village.app = Village(village.store).app  # it knows for good when one is set up
    return village.phone()


def goes_on_from_a_new_device(village: Village) -> Phone:
    phone = is_of_a_new_device(village)
    assert phone.app.post("/portal", status=303).location == "/"
    return phone


def takes_the_first_steps(village: Village) -> Phone:
    village.villager("awa")
    set_setting(village.store, "first_step", "village")
    village.app = Village(village.store).app
    phone = village.phone()
    phone.log_in("awa")
    assert phone.get("/inbox", status=303).location == "/first/village"
    phone.get("/first/village")
    return phone


def comes(village: Village) -> Phone:
    village.villager("awa")
    return village.phone()


def comes_after_another(village: Village) -> Phone:
    logs_in(village)
    return village.phone("192.168.4.21")


def goes_on(village: Village) -> Phone:
    phone = village.phone()
    assert phone.get("/portal").forms[0].submit().location == "/portal"
    return phone


def logs_in(village: Village) -> Phone:
    village.villager("awa")
    phone = village.phone()
    phone.log_in("awa").follow()
    return phone


def logs_out(village: Village) -> Phone:
    phone = logs_in(village)
    phone.post("/logout", status=303)
    return phone


@pytest.mark.parametrize(
    "does",
    [
        *(is_of_a_new_device, goes_on_from_a_new_device, takes_the_first_steps),
        *(comes, comes_after_another),
    ],
)
def test_a_captive_phone_is_led_to_the_portal(
    village: Village, does: Callable[[Village], Phone]
) -> None:
    phone = does(village)
    answers = {url: ask(phone, url) for url in CONTENT}
    led = {url: (answer.status_int, answer.location) for url, answer in answers.items()}
    assert led == dict.fromkeys(CONTENT, (302, "http://localhost/portal"))
    for answer in answers.values():
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("does", [goes_on, logs_in, logs_out])
def test_a_phone_that_has_gone_on_or_logged_in_is_content(
    village: Village, does: Callable[[Village], Phone]
) -> None:
    phone = does(village)
    answers = {url: ask(phone, url) for url in CONTENT}
    assert {url: (answer.status_int, answer.text) for url, answer in answers.items()} == CONTENT
    for answer in answers.values():
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers


def test_each_probe_is_one_that_a_system_sends() -> None:
    sent = [probes.find(*urlsplit(url)[1:3]) for url in CONTENT]
    assert [probe for probe in probes.PROBES if probe not in sent] == []


def test_the_portal_of_a_new_device_is_its_first_page(village: Village) -> None:
    phone = is_of_a_new_device(village)
    assert "This device is new." in phone.get("/portal", status=303).follow().text


def test_the_portal_says_where_the_letters_are(village: Village) -> None:
    phone = comes(village)
    assert f"http://{PORTAL}/" in phone.get("/portal").text
    assert f"http://{PORTAL}/" in goes_on(village).get("/portal").text


def test_a_browser_that_the_system_opens_is_led_to_the_portal(village: Village) -> None:
    url = "http://www.msftconnecttest.com/redirect"
    assert ask(comes(village), url).location == "http://localhost/portal"
    assert ask(goes_on(village), url).location == "http://localhost/"


def test_one_goes_on_in_a_window_that_keeps_no_cookies(village: Village) -> None:
    phone = comes(village)
    form = phone.get("/portal").forms[0]
    phone.app.reset()
    assert form.submit().location == "/portal"
    phone.app.reset()
    assert "stays in this Wi-Fi now" in phone.get("/portal").text


def test_a_language_is_chosen_in_a_window_that_keeps_no_cookies(village: Village) -> None:
    phone = comes(village)
    form = next(each for each in phone.get("/portal").forms.values() if "language" in each.fields)
    phone.app.reset()
    page = form.submit("language", value="fr")
    assert page.html.html["lang"] == "fr"
    phone.app.reset()
    assert page.forms[0].submit().follow().html.html["lang"] == "fr"


def test_a_browser_that_keeps_cookies_goes_on_in_the_language_that_was_chosen(
    village: Village,
) -> None:
    phone = comes(village)
    phone.get("/portal?language=fr").forms[0].submit()
    assert phone.get("/").html.html["lang"] == "fr"


@pytest.mark.parametrize("language", ["xx", "", "<b>", "../fr", "fr&language=sw", "%ff"])
def test_a_language_that_is_none_leaves_the_portal_as_it_is(
    village: Village, language: str
) -> None:
    phone = comes(village)
    page = phone.get(f"/portal?language={language}")
    assert page.html.html["lang"] in {"en", "sw"}
    assert page.forms[0].submit().location.startswith("/portal")


FORMS_FOR_EVERYONE = {
    ("/", "/login"): False,
    ("/", "/language"): False,
    ("/forgotten", "/forgotten"): False,
    ("/forgotten", "/language"): False,
    ("/news", "/language"): False,
    ("/register", "/register"): False,
    ("/register", "/language"): False,
    ("/portal", "/portal"): True,  # which goes on, or chooses a language
}


@pytest.mark.parametrize(
    "path", [page.path for page in PAGES if page.method == "GET" and page.access == "everyone"]
)
def test_without_cookies_each_form_works_or_says_what_it_needs(village: Village, path: str) -> None:
    phone = comes(village)
    forms = phone.get(path).forms
    seen = {(path, form.action) for number, form in forms.items() if isinstance(number, int)}
    assert seen == {each for each in FORMS_FOR_EVERYONE if each[0] == path}
    for form in forms.values():
        phone.app.reset()
        answer = form.submit(status="*")
        assert (answer.status_int < 400) == FORMS_FOR_EVERYONE[path, form.action]
        assert (answer.status_int < 400) != ("keeps no cookies" in answer.text)


@pytest.mark.parametrize(
    ("does", "is_captive"), [(is_of_a_new_device, True), (comes, True), (goes_on, False)]
)
def test_who_asks_for_the_api_learns_whether_the_phone_is_captive(
    village: Village, does: Callable[[Village], Phone], is_captive: bool
) -> None:
    answer = does(village).app.get("/portal", headers={"Accept": "application/captive+json"})
    assert answer.content_type == "application/captive+json"
    assert answer.json == {"captive": is_captive, "user-portal-url": f"http://{PORTAL}/portal"}
    assert answer.headers["Cache-Control"] == "no-store"


class TestCaptivity:
    def test_comes_back_with_the_lease_of_a_phone_that_has_left(self) -> None:
        now = [0.0]
        phones = captivity.Captivity(lambda: now[0])
        phones.release("192.168.73.10")
        now[0] = LEASE_SECONDS + 1.0
        assert phones.holds("192.168.73.10")

    def test_does_not_come_back_for_a_phone_that_stays(self) -> None:
        now = [0.0]
        phones = captivity.Captivity(lambda: now[0])
        phones.release("192.168.73.10")
        for _ in range(5):
            now[0] += LEASE_SECONDS - 1.0
            assert not phones.holds("192.168.73.10")

    def test_comes_back_for_who_was_here_longest_ago_when_there_are_too_many(self) -> None:
        phones = captivity.Captivity()
        for number in range(1001):
            phones.release(f"10.0.{number >> 8}.{number & 255}")
        assert phones.holds("10.0.0.0")
        assert not phones.holds("10.0.0.1")
