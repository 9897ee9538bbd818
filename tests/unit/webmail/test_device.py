# SPDX-License-Identifier: Apache-2.0
"""What the daemons say, and what the keeper has them do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mokanda_firmware import status
from mokanda_firmware.sentences import say
from mokanda_firmware.webmail import statuses
from mokanda_firmware.webmail.languages import languages
from scripts import translations
from tests.unit.webmail.village import Village


@contextmanager
def daemon(name: str, answer: str = "") -> Iterator[list[str]]:
    """A daemon that takes one request, and what it was asked."""
    requests = status.Requests(name)
    asked: list[str] = []

    def serve() -> None:
        request = requests.receive(timeout=10)
        assert request is not None
        asked.append(request.verb)
        if answer:
            request.fail(answer)
        else:
            request.reply(accepted=True)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        thread.join()
        requests.close()


def test_a_device_whose_daemons_are_silent_has_a_page_too(village: Village) -> None:
    assert "Nothing is known of this yet." in village.villager("awa").get("/device").text


def test_statuses_are_said_in_the_readers_language(village: Village) -> None:
    awa = village.villager("awa")
    status.publish("modem", state="ready", operator="Vodacom", signal=71, model="E303")
    status.publish("courier", state="failed", detail="x < y", progress=0.5)
    page = awa.get("/device")
    for text in ("The modem is ready.", "Vodacom", "71 %", "E303", "x &lt; y"):
        assert text in page.text
    assert page.html.select_one("progress")["value"] == "0.5"
    awa.post("/language", language="fr")
    assert "Le modem est prêt." in awa.get("/device").text


@pytest.mark.parametrize(
    "fields",
    [
        {"state": 7, "detail": None, "progress": "half", "next_sync": "soon", "signal": []},
        {"state": "a word of tomorrow", "last_success": 5, "bytes_up": 12},
    ],
)
def test_a_status_that_is_not_understood_breaks_no_page(
    village: Village, fields: dict[str, object]
) -> None:
    for name in ("courier", "modem", "updates", "lights"):
        status.publish(name, **fields)
    village.villager("awa").get("/device")
    village.villager("ben").get("/outbox")


def test_every_state_of_the_contract_has_its_sentence() -> None:
    for name, states in {
        "setup": "no_claim claim_error claim_pending claimed",
        "modem": "absent starting no_sim pin no_signal ready dialling connected fault",
        "courier": "unclaimed idle dialling connecting syncing failed",
        "updates": "idle available downloading installing installed failed",
        "lights": "fault updating starting no_sim no_credit syncing dialling mail_waiting ready",
    }.items():
        for state in states.split():
            status.publish(name, state=state)
            sentences = [card.sentence for card in statuses.cards(languages()["en"], "")]
            assert len(sentences) == 5
    assert "Nothing is known of this yet." not in sentences


def test_the_keeper_sends_the_courier(village: Village) -> None:
    keeper = village.villager("awa")
    status.publish("courier", state="idle")
    with daemon("courier") as asked:
        answer = keeper.get("/device").forms[0].submit()
    assert asked == ["sync"]
    assert "goes out now" in answer.follow().text


def test_a_courier_that_cannot_go_says_why(village: Village) -> None:
    keeper = village.villager("awa")
    status.publish("courier", state="idle")
    form = keeper.get("/device").forms[0]
    with daemon("courier", "The modem is <gone>."):
        assert "The modem is &lt;gone&gt;." in form.submit(status=409).text
    assert "does not answer now" in form.submit(status=503).text


def test_the_keeper_installs_an_update(village: Village) -> None:
    keeper = village.villager("awa")
    status.publish("updates", state="available", version="1", offered="2", size=96_000)
    page = keeper.get("/device")
    assert "96 KB" in page.text
    with daemon("updates") as asked:
        page.forms[0].submit()
    assert asked == ["install"]


def test_other_villagers_see_the_device_but_no_buttons(village: Village) -> None:
    village.villager("awa")
    ben = village.villager("ben")
    status.publish("courier", state="idle")
    status.publish("updates", state="available")
    page = ben.get("/device")
    assert "There is an update." in page.text
    assert page.html.select("main form") == []


def test_what_a_daemon_says_is_in_the_readers_language(village: Village) -> None:
    translations.compile_all()
    status.publish(
        "modem", state="dialling", detail=say("Dialling the access point {name}.", name="orange")
    )
    awa = village.villager("awa")
    page = awa.speak(awa.get("/device"), "fr")
    assert "accès orange." in page.text
