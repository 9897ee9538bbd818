# SPDX-License-Identifier: Apache-2.0
"""The keeper's page of modem, SIM card and calls."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from mokanda_firmware import boot, paths
from mokanda_firmware.bus.requests import Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus, OtherModem, WebmailStatus
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.modem import calls, messages, restarts
from mokanda_firmware.modem.calls import CallRecord
from mokanda_firmware.modem.messages import Part
from mokanda_firmware.modem.settings import Settings
from tests.statuses import READY, published
from tests.unit.webmail.served_village import Phone, Village


@contextmanager
def daemon(
    then: ModemStatus | None = None, answer: dict[str, Any] | None = None
) -> Iterator[list[dict[str, Any]]]:
    """The modem's daemon: what it is asked, and what it tells once it has been asked."""
    requests = Requests("modem")
    asked: list[dict[str, Any]] = []
    ends = threading.Event()

    def serve() -> None:
        while not ends.is_set():
            request = requests.receive(timeout=0.05)
            if request is not None:
                asked.append({"verb": request.verb, **request.arguments})
                if then is not None:
                    then.publish()
                request.reply(**(answer or {}))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        ends.set()
        thread.join()
        requests.close()


@pytest.fixture
def keeper(village: Village) -> Phone:
    return village.villager("awa")


def settings_form(keeper: Phone) -> Any:  # noqa: ANN401 - webtest's
    return next(
        form
        for form in keeper.get("/device/modem").forms.values()
        if form.action == "/device/modem"
    )


def test_it_tells_what_is_plugged_in_with_which_card_on_which_network(keeper: Phone) -> None:
    READY.publish()
    page = keeper.get("/device/modem")
    for text in ("huawei E303", READY.imei, READY.imsi, "Vodacom CD", "good, 58 %"):
        assert text in page.text
    assert len(page.html.select(".bars .on")) == 3


def test_the_signal_is_of_now(keeper: Phone) -> None:
    READY.publish()
    stronger = ModemStatus(ModemState.READY, imsi=READY.imsi, signal=90)
    with daemon(then=stronger) as asked:
        assert "strong, 90 %" in keeper.get("/device/modem").text
    assert asked == [{"verb": "look"}]


def test_a_daemon_that_is_silent_has_a_page_too(keeper: Phone) -> None:
    assert "Nothing is known of this yet." in keeper.get("/device/modem").text


def test_what_a_dead_daemon_told_last_is_not_shown(keeper: Phone) -> None:
    READY.publish()
    paths.status("mokanda-modem").write_text('{"state": "failed"}')
    page = keeper.get("/device/modem")
    assert "has stopped" in page.text
    assert READY.imei not in page.text
    assert READY.imsi not in page.text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ModemState.NO_SIM, "There is no SIM card in the modem."),
        (ModemState.PIN, "The SIM card asks for its PIN."),
        (ModemState.PUK, "The SIM card is locked and asks for its PUK."),
        (ModemState.STARTING, "Nothing is known of this yet."),
    ],
)
def test_it_tells_how_the_card_is(keeper: Phone, state: ModemState, said: str) -> None:
    ModemStatus(state, model="E303").publish()
    [card] = [
        each
        for each in keeper.get("/device/modem").html.select(".state")
        if each.h2.get_text() == "SIM card"
    ]
    assert said in card.get_text()


def test_other_sticks_are_told_with_what_is_wrong_with_them(keeper: Phone) -> None:
    other = OtherModem("ZTE <MF190>", ModemState.PUK)
    ModemStatus(ModemState.READY, others=(other,)).publish()
    page = keeper.get("/device/modem")
    assert "ZTE &lt;MF190&gt;" in page.text
    assert "The SIM card is locked and asks for its PUK." in page.text


def test_the_signal_is_followed_only_when_asked_for_and_not_for_ever(keeper: Phone) -> None:
    READY.publish()
    page = keeper.get("/device/modem")
    assert not page.html.select("meta[http-equiv=refresh]")
    page = page.click("Follow the signal")
    [refresh] = page.html.select("meta[http-equiv=refresh]")
    assert refresh["content"] == "10;url=/device/modem?follow=29"
    assert not [form for form in page.forms.values() if form.action == "/device/modem"]
    last = keeper.get("/device/modem?follow=1").html.select_one("meta[http-equiv=refresh]")
    assert last["content"] == "10;url=/device/modem?follow=0"
    assert not keeper.get("/device/modem?follow=0").html.select("meta[http-equiv=refresh]")


@pytest.mark.parametrize("follow", ["9999999", "-1", "x", "<b>", "9" * 5000])
def test_no_page_is_followed_longer_than_others(keeper: Phone, follow: str) -> None:
    page = keeper.app.get("/device/modem", {"follow": follow})
    for refresh in page.html.select("meta[http-equiv=refresh]"):
        assert refresh["content"] == "10;url=/device/modem?follow=29"


def test_the_keeper_sets_an_access_point(village: Village, keeper: Phone) -> None:
    form = settings_form(keeper)
    form["apn"], form["username"], form["password"] = " own.cd ", "u", "secret"
    form["roaming"].checked = True
    with daemon() as asked:
        answer = form.submit()
    assert answer.location == "/device/modem?note=saved"
    assert asked == [
        {
            "verb": "configure",
            "apn": "own.cd",
            "username": "u",
            "password": "secret",
            "roaming": True,
        }
    ]
    act = audit.acts(village.store)[0]
    assert (act.actor, act.action, act.subject) == ("awa", "modem", "own.cd, roaming")
    assert "modem changed" in keeper.get("/villagers").text


def test_what_is_set_stands_in_the_form_but_for_the_password(keeper: Phone) -> None:
    Settings("own.cd", "u", "secret", roaming=True).keep()
    page = keeper.get("/device/modem")
    form = settings_form(keeper)
    assert (form["apn"].value, form["username"].value, form["password"].value) == (
        "own.cd",
        "u",
        "",
    )
    assert form["roaming"].checked
    assert "Leave it empty to keep the one that is set." in page.text
    assert "secret" not in page.text


def test_what_has_not_changed_is_not_noted(village: Village, keeper: Phone) -> None:
    Settings("own.cd", "u", "secret").keep()
    before = audit.acts(village.store)
    with daemon() as asked:
        settings_form(keeper).submit(status=303)
    assert asked[-1]["verb"] == "configure"
    assert audit.acts(village.store) == before


def test_the_access_point_can_be_left_to_the_device_again(village: Village, keeper: Phone) -> None:
    page = keeper.get("/device/modem")
    assert "Let the device find the access point again" not in page.text
    Settings("own.cd", "u", "secret", roaming=True).keep()
    form = settings_form(keeper)
    with daemon() as asked:
        form.submit("by-itself", status=303)
    assert asked[-1] == {
        "verb": "configure",
        "apn": "",
        "username": "",
        "password": "",
        "roaming": True,
    }
    assert audit.acts(village.store)[0].subject == "-, roaming"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("apn", 'own"', "letters without accents, digits, dots and dashes, 100 at most"),
        ("apn", "own\r\nATZ", "letters without accents, digits, dots and dashes, 100 at most"),
        ("apn", "x" * 101, "letters without accents, digits, dots and dashes, 100 at most"),
        ("apn", "", "Please tell the access point that the user name is for."),
        ("username", "é", "At most 64 characters, without accents."),
        ("password", "p\nconnect reboot", "At most 64 characters, without accents."),
    ],
)
def test_what_cannot_be_set_is_said_at_its_field(
    village: Village, keeper: Phone, field: str, value: str, said: str
) -> None:
    before = audit.acts(village.store)
    filled = {"apn": "own.cd", "username": "u", "password": "p", "roaming": "1", field: value}
    with daemon() as asked:
        page = keeper.post("/device/modem", status=422, **filled)
    assert asked == []
    [wrong] = page.html.select("[aria-invalid]")
    assert wrong["name"] == field
    sentence = page.html.find(id=wrong["aria-describedby"].split()[0])
    assert said in sentence.get_text()
    assert page.html.select_one("[name=roaming]").has_attr("checked")
    assert audit.acts(village.store) == before


def test_a_daemon_that_does_not_answer_leaves_the_form_filled_in(
    village: Village, keeper: Phone
) -> None:
    before = audit.acts(village.store)
    page = keeper.post("/device/modem", status=503, apn="own.cd")
    assert "does not answer now" in page.text
    assert page.html.select_one("[name=apn]")["value"] == "own.cd"
    assert audit.acts(village.store) == before


@pytest.mark.parametrize(
    ("status", "settings", "said"),
    [
        ({"apn": "vodanet"}, Settings(), "The last call went through vodanet."),
        ({}, Settings(imsi=READY.imsi, worked="internet"), "went through internet."),
    ],
)
def test_it_tells_the_access_point_of_this_card(
    keeper: Phone, status: dict[str, str], settings: Settings, said: str
) -> None:
    ModemStatus(ModemState.READY, imsi=READY.imsi, **status).publish()  # type: ignore[arg-type]
    settings.keep()
    assert said in keeper.get("/device/modem").text


def test_the_access_point_of_another_card_says_nothing(keeper: Phone) -> None:
    READY.publish()
    Settings(imsi="630020000000001", worked="internet").keep()
    assert "The last call went through" not in keeper.get("/device/modem").text


def test_the_last_calls_are_told(keeper: Phone) -> None:
    assert "There has been no call yet." in keeper.get("/device/modem").text
    trouble = Sentence("The modem lost the connection.")
    calls.keep(CallRecord(datetime(2026, 3, 1, 1, 10, tzinfo=UTC), 95, 2_000, 8_000, "internet"))
    calls.keep(CallRecord(None, 3, trouble=trouble))
    failed, done = (
        [" ".join(cell.get_text().split()) for cell in call.select("th, td")]
        for call in keeper.get("/device/modem").html.select("tbody")
    )
    assert failed == ["time not known", "0:03", "0 KB", "0 KB", str(trouble)]
    began = "1 Mar 2026, 01:10 internet"
    assert done == [began, "1:35", "2 KB", "8 KB", "It ended as it should."]


def test_a_restart_for_the_modems_sake_is_told(
    keeper: Phone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = "restarted by itself, as the modem no longer answered"
    boot_id = tmp_path / "boot_id"
    monkeypatch.setattr(boot, "ID", boot_id)
    boot_id.write_text("before")
    restarts.note(4000)
    assert told not in keeper.get("/device/modem").text
    boot_id.write_text("after")
    restarts.recognise()
    assert told in keeper.get("/device/modem").text


def test_a_visit_is_told_to_whom_it_matters(village: Village) -> None:
    assert WebmailStatus.read() is None
    village.villager("awa").get("/device/modem")
    visited = published(WebmailStatus).visited
    assert visited <= time.monotonic() < visited + 60


def test_a_call_is_ended_by_the_page(keeper: Phone) -> None:
    READY.publish()
    assert "End the call" not in keeper.get("/device/modem").text
    replace(READY, state=ModemState.DIALLING).publish()
    form = next(
        each
        for each in keeper.get("/device/modem").forms.values()
        if each.action == "/device/modem/hang-up"
    )
    with daemon() as asked:
        text = form.submit().follow().text
    assert asked[0]["verb"] == "disconnect"
    assert "The call has ended" in text


@pytest.mark.parametrize("zone", [UTC, None])
def test_a_message_without_a_zone_was_sent_by_the_villages_clock(
    keeper: Phone, village: Village, zone: tzinfo | None
) -> None:
    set_setting(village.store, "timezone", "Africa/Lubumbashi")  # two hours ahead
    messages.add([Part("Vodacom", datetime(2026, 11, 29, 16, 30, tzinfo=zone), "Bienvenue")])
    assert ("18:30" if zone else "16:30") in keeper.get("/device/modem").text
