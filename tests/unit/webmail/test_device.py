# SPDX-License-Identifier: Apache-2.0
"""What the daemons say, and what the keeper has them do."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus import units
from mokanda_firmware.bus.requests import Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import (
    CourierState,
    HotspotState,
    LightsState,
    ModemState,
    SetupState,
    StoreState,
    UpdatesState,
)
from mokanda_firmware.bus.statuses import (
    CourierStatus,
    HotspotStatus,
    LightsStatus,
    ModemStatus,
    SetupStatus,
    StoreStatus,
    UpdatesStatus,
)
from mokanda_firmware.lights.table import PATTERNS
from mokanda_firmware.mailbox.administration import storage
from mokanda_firmware.mailbox.costs import tariff
from mokanda_firmware.mailbox.costs.tariff import Tariff
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.uplink import refusals
from mokanda_firmware.webmail.languages import languages
from mokanda_firmware.webmail.wording import legend, states
from mokanda_firmware.webmail.wording.statuses import Cards
from mokanda_wire import durable, protocol
from tests.unit.webmail.served_village import Phone, Village


@contextmanager
def daemon(name: str, refusal: Sentence | None = None) -> Iterator[list[str]]:
    """A daemon that takes one request, and what it was asked."""
    requests = Requests(name)
    asked: list[str] = []

    def serve() -> None:
        request = requests.receive(timeout=10)
        assert request is not None
        asked.append(request.verb)
        if refusal:
            request.fail(refusal)
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


@pytest.mark.parametrize(
    ("unit", "title"),
    [("mokanda-courier", "Mail run"), ("mokanda-modem", "Modem"), ("mokanda-lights", "Lights")],
)
def test_what_a_dead_daemon_told_last_is_not_shown(village: Village, unit: str, title: str) -> None:
    CourierStatus(CourierState.IDLE).publish()
    ModemStatus(ModemState.READY).publish()
    LightsStatus(LightsState.READY).publish()
    paths.status(unit).write_text('{"state": "failed"}')
    page = village.villager("awa").get("/device").html
    cards = {card.h2.get_text(): card for card in page.select(".card.state")}
    assert "has stopped" in cards[title].get_text()
    assert [name for name, card in cards.items() if "bad" in card["class"]] == [title]


def test_statuses_are_said_in_the_readers_language(village: Village) -> None:
    awa = village.villager("awa")
    ModemStatus(ModemState.READY, operator="Vodacom", signal=71, model="E303").publish()
    CourierStatus(CourierState.FAILED, detail=Sentence("x < y"), progress=0.5).publish()
    page = awa.get("/device")
    for text in ("The modem is ready.", "Vodacom", "strong, 71 %", "E303", "x &lt; y"):
        assert text in page.text
    assert page.html.select_one("progress")["value"] == "0.5"
    assert len(page.html.select(".bars .on")) == 4
    awa.post("/language", language="fr")
    assert "Le modem est prêt." in awa.get("/device").text


def test_a_device_that_its_relay_refuses_does_not_say_that_it_belongs_to_it(
    village: Village,
) -> None:
    refusal = refusals.SENTENCES[protocol.DEVICE_UNKNOWN]
    CourierStatus(CourierState.REFUSED, detail=refusal).publish()
    page = village.villager("awa").get("/device").html
    cards = {card.h2.get_text(): card for card in page.select(".card.state")}
    for title in ("Mail run", "Connection to the relay"):
        assert "relay refuses" in cards[title].get_text()
        assert str(refusal) in cards[title].get_text()
        assert "bad" in cards[title]["class"]
    assert "belongs to its relay" not in page.get_text()


@pytest.mark.parametrize(
    "fields",
    [
        {"state": 7, "detail": None, "progress": "half", "next_sync": "soon", "signal": []},
        {"state": "a word of tomorrow", "last_success": 5, "bytes_up": 12},
    ],
)
def test_what_another_version_has_told_is_not_known_and_never_well(
    village: Village, fields: dict[str, object]
) -> None:
    kinds = (CourierStatus, ModemStatus, UpdatesStatus, LightsStatus, HotspotStatus)
    for kind in kinds:
        paths.status(kind.NAME).write_text(json.dumps(fields))
    page = village.villager("awa").get("/device").html
    cards = {card.h2.get_text(): card for card in page.select(".card.state")}
    for title in ("Mail run", "Modem", "Software", "Lights"):
        assert "Nothing is known of this yet." in cards[title].get_text()
        assert "good" not in cards[title]["class"]
    village.villager("ben").get("/outbox")


def test_every_state_of_every_daemon_has_its_sentence() -> None:
    assert set(states.COURIER) == set(CourierState)
    assert set(states.MODEM) == set(ModemState)
    assert set(states.SETUP) == set(SetupState)
    assert set(states.UPDATES) == set(UpdatesState)
    assert set(states.LIGHTS) == set(LightsState)
    assert set(states.HOTSPOT) == set(HotspotState)


def test_the_keeper_sends_the_courier(village: Village) -> None:
    keeper = village.villager("awa")
    CourierStatus(CourierState.IDLE).publish()
    with daemon("courier") as asked:
        answer = keeper.get("/device").forms[0].submit()
    assert asked == ["sync"]
    assert "goes out now" in answer.follow().text


def test_a_courier_that_cannot_go_says_why(village: Village) -> None:
    keeper = village.villager("awa")
    CourierStatus(CourierState.IDLE).publish()
    form = keeper.get("/device").forms[0]
    with daemon("courier", Sentence("The modem is <gone>.")):
        assert "The modem is &lt;gone&gt;." in form.submit(status=409).text
    assert "does not answer now" in form.submit(status=503).text


def test_what_was_done_is_told_though_a_full_card_cannot_record_it(
    village: Village, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = village.villager("awa")
    CourierStatus(CourierState.IDLE).publish()
    form = keeper.get("/device").forms[0]
    village.fill_up(monkeypatch)
    with daemon("courier") as asked:
        assert "goes out now" in form.submit().follow().text
    assert asked == ["sync"]
    assert "not recorded: awa: sync" in caplog.text


def test_the_keeper_installs_an_update(village: Village) -> None:
    keeper = village.villager("awa")
    UpdatesStatus(UpdatesState.AVAILABLE, version="1", offered="2", size=96_000).publish()
    page = keeper.get("/device")
    assert "96 KB" in page.text
    with daemon("updates") as asked:
        page.forms[0].submit()
    assert asked == ["install"]


def test_an_update_has_its_price_before_the_keeper_asks_for_it(village: Village) -> None:
    keeper = village.villager("awa")
    UpdatesStatus(UpdatesState.AVAILABLE, version="1", offered="2", size=4_000_000).publish()
    assert "To fetch it costs" not in keeper.get("/device").text
    set_setting(village.store, "tariff", tariff.to_json(Tariff("USD", 600_000)))
    assert "To fetch it costs 2.40 USD at most, at this hour." in keeper.get("/device").text


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The card is nearly full, however much room this computer has."""
    monkeypatch.setattr(storage.Storage, "is_short", True)


def throw_away(villager: Phone, subject: str) -> None:
    villager.write("awa", subject)
    entry = villager.get("/sent").html.select_one(".letters a")["href"].rpartition("/")[2]
    villager.post("/move", 303, do="trash", entry=entry)


@pytest.mark.usefixtures("short")
def test_the_keeper_empties_everybodys_trash_where_the_card_is_nearly_full(
    village: Village,
) -> None:
    keeper, ben = village.villager("awa"), village.villager("ben")
    throw_away(ben, "Old news")
    page = keeper.get("/device")
    [form] = page.html.select("form[action='/device/trash']")
    assert form.select_one("input[name=sure]").has_attr("required")
    assert "Please tick" in keeper.post("/device/trash", 422).text
    assert ben.letters("trash") == ["Old news"]
    assert "trash is empty" in keeper.post("/device/trash", 303, sure="1").follow().text
    assert ben.letters("trash") == []
    assert village.rows("audit")[-1]["action"] == "empty-trash"


def test_while_there_is_room_everybodys_trash_is_their_own(village: Village) -> None:
    keeper, ben = village.villager("awa"), village.villager("ben")
    throw_away(ben, "Old news")
    assert "/device/trash" not in keeper.get("/device").text
    assert "trash was emptied" in keeper.post("/device/trash", 409, sure="1").text
    assert ben.letters("trash") == ["Old news"]


def test_other_villagers_see_the_device_but_no_buttons(village: Village) -> None:
    village.villager("awa")
    ben = village.villager("ben")
    CourierStatus(CourierState.IDLE).publish()
    UpdatesStatus(UpdatesState.AVAILABLE).publish()
    page = ben.get("/device")
    assert "There is an update." in page.text
    assert page.html.select("main form") == []


@pytest.mark.parametrize(
    ("status", "sim"),
    [
        (ModemStatus(ModemState.READY, imsi="630010123456789"), "recognised"),
        (ModemStatus(ModemState.NO_SIM), "missing"),
        (ModemStatus(ModemState.PIN), "locked"),
        (ModemStatus(ModemState.STARTING), None),
    ],
)
def test_the_sim_card_is_told_of(status: ModemStatus, sim: str | None) -> None:
    status.publish()
    modem = Cards(languages()["en"], "").modem()
    assert {fact.title: fact.value for fact in modem.facts}.get("SIM card") == sim


def test_the_software_says_since_when_it_runs_and_where(village: Village) -> None:
    at = datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
    UpdatesStatus(UpdatesState.IDLE, version="1.4.0", slot="B", installed=at).publish()
    page = village.villager("awa").get("/device").html
    told = {row.dt.get_text(): row.dd.get_text() for row in page.select("dl div")}
    assert told["Version"] == "1.4.0"
    assert told["Installed"] == languages()["en"].date_and_time(1_770_000_000, "")
    assert told["Runs from slot"] == "B"


def test_a_setup_partition_that_was_made_anew_is_told(village: Village) -> None:
    SetupStatus(SetupState.CLAIMED).publish()
    said, awa = "it could not be read, and was made anew, empty", village.villager("awa")
    assert said not in awa.get("/device").html.get_text()
    paths.setup_made_anew().touch()
    assert said in awa.get("/device").html.get_text()


def test_the_software_says_when_it_was_mended(village: Village) -> None:
    at = datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
    UpdatesStatus(UpdatesState.IDLE, version="1.4.0", mended=at).publish()
    page = village.villager("awa").get("/device").html
    told = {row.dt.get_text(): row.dd.get_text() for row in page.select("dl div")}
    assert told["Mended"] == languages()["en"].date_and_time(1_770_000_000, "")


@pytest.mark.parametrize(
    ("failed", "said"), [("", "The card wears out."), ("1.1.0", "The update failed.")]
)
def test_rot_is_no_update_that_failed(village: Village, failed: str, said: str) -> None:
    UpdatesStatus(UpdatesState.FAILED, version="1.0.0", failed=failed).publish()
    assert said in village.villager("awa").get("/device").html.get_text()


def test_the_legend_has_every_pattern_that_the_lamps_play(village: Village) -> None:
    assert set(legend.MEANINGS) == set(LightsState)
    page = village.villager("awa").get("/device").html
    rows = [" ".join(row.get_text(" ").split()) for row in page.select("details li")]
    assert len(rows) == len(PATTERNS) + 1
    assert rows[0] == "green: on red: off All is well."
    assert rows[-1] == "green: off red: off It has no power."
    [no_sim] = [row for row in page.select("details li") if "no SIM card" in row.get_text()]
    assert [len(lamp.select(".on")) for lamp in no_sim.select(".lamp")] == [0, 4]


def test_every_blink_has_its_word() -> None:
    used = {blink for pattern in PATTERNS.values() for blink in pattern.values()}
    assert used <= set(legend.BLINKS)
    assert len(set(legend.BLINKS.values())) == len(legend.BLINKS)


class TestStorage:
    """What takes the room on the card, for those who look after it."""

    def told(self, phone: Phone) -> dict[str, str]:
        card = next(
            card for card in phone.get("/device").html.select(".card") if "Storage" in card.text
        )
        return {row.dt.get_text(): row.dd.get_text() for row in card.select("dl div")}

    def test_files_and_photos_are_counted_once(self, village: Village) -> None:
        keeper = village.villager("awa")
        village.villager("ben")
        photo = ("a.jpg", b"a" * 30_000, "image/jpeg")
        keeper.write("awa, ben", files=(photo, ("b.zip", b"b" * 20_000, "application/zip")))
        keeper.write("ben", "Again", button="save", files=(photo,))
        told = self.told(keeper)
        assert told["Photos"] == "30 KB"
        assert told["Other files"] == "20 KB"

    def test_the_trash_says_when_it_goes(
        self, village: Village, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock, "now", lambda: 1_770_000_000)
        keeper = village.villager("awa")
        keeper.write("awa", text="x" * 5_000)
        assert "Trash" not in self.told(keeper)
        keeper.press(keeper.open_first(), "trash")
        goes = languages()["en"].date(1_770_000_000 + 30 * 24 * 3600, "")
        assert self.told(keeper)["Trash"].endswith(f"the first of it goes for good: {goes}")

    def test_a_card_that_is_nearly_full_says_what_to_do(
        self, village: Village, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keeper = village.villager("awa")
        assert "nearly full" not in keeper.get("/device").text
        real = os.statvfs(village.store.path.parent)
        short = os.statvfs_result([*real[:2], 1_000_000, 40_000, 40_000, *real[5:10]])
        monkeypatch.setattr(os, "statvfs", lambda _: short)
        assert "nearly full" in keeper.get("/device").text

    def test_it_is_not_for_every_villager(self, village: Village) -> None:
        village.villager("awa")
        assert "Storage" not in village.villager("ben").get("/device").text


@pytest.mark.usefixtures("compiled")
def test_what_a_daemon_says_is_in_the_readers_language(village: Village) -> None:
    ModemStatus(
        ModemState.DIALLING, detail=Sentence("Dialling the access point {name}.", name="orange")
    ).publish()
    awa = village.villager("awa")
    page = awa.speak(awa.get("/device"), "fr")
    assert "accès orange." in page.text


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ({"lost": 0}, "all of them could be saved"),
        ({"lost": 39}, "about 39 entries are lost"),
        ({"copy": 1_700_000_000}, "the copy of 14 Nov 2023"),
    ],
)
def test_what_became_of_a_damaged_store_is_told_for_some_days(
    village: Village, done: dict[str, int], said: str
) -> None:
    awa = village.villager("awa")
    assert "Letters and accounts" not in awa.get("/device").text
    durable.write(paths.mended(), json.dumps({"at": clock.now(), **done}).encode())
    assert said in awa.get("/device").text
    durable.write(paths.mended(), json.dumps({"at": clock.now() - 30 * 86400, **done}).encode())
    assert "Letters and accounts" not in awa.get("/device").text


def test_a_firewall_that_did_not_start_is_told(village: Village) -> None:
    awa = village.villager("awa")
    assert "Firewall" not in awa.get("/device").text
    paths.status(units.FIREWALL).write_text('{"state": "failed"}')
    assert "The firewall did not start" in awa.get("/device").text


def test_a_store_that_is_damaged_now_is_told(village: Village) -> None:
    awa = village.villager("awa")
    StoreStatus(StoreState.DAMAGED).publish()
    assert "The letters and accounts on the card are damaged." in awa.get("/device").text
