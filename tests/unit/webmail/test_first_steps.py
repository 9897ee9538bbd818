# SPDX-License-Identifier: Apache-2.0
"""The first steps with a new device, and the same settings later; the wipe."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from webtest import TestResponse

from mokanda_firmware import paths
from mokanda_firmware.bus.states import HotspotState, SetupState
from mokanda_firmware.bus.statuses import HotspotStatus, SetupStatus
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import setting
from mokanda_firmware.setup import wifi
from mokanda_firmware.setup.wifi import Wifi
from mokanda_wire import claimfile
from scripts.tools.deadlines import wait_until
from tests.ready_made.mail_store import write_mail_store
from tests.setup_service import setup_service
from tests.unit.webmail.served_village import PASSWORD, Phone, Village

CLAIM = claimfile.write(
    claimfile.ClaimFile(
        relay="https://relay.example",
        code="ABCD-EFGH-JKLM",
        device="boende",
        domain="boende.example",
        relay_fingerprint="0123456789ABCDEF0123456789ABCDEF01234567",
    )
)


@pytest.fixture
def new(village: Village, tmp_path: Path) -> Iterator[Village]:
    """A device that nobody has set up, without a claim."""
    del village  # it made the folders
    SetupStatus(SetupState.NO_CLAIM).publish()
    write_mail_store(tmp_path / "new.db")
    store = Store(tmp_path / "new.db", tmp_path / "new")
    yield Village(store)
    store.close()


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Path]:
    """What systemctl is told by the device's setup service."""
    with setup_service(tmp_path) as told:
        yield told


def register(phone: Phone, name: str) -> TestResponse:
    form = phone.get("/register").forms[0]
    form["name"], form["display_name"] = name, name.title()
    form["password"] = form["again"] = PASSWORD
    return form.submit()


def fill_in(page: TestResponse, action: str, button: str = "", **fields: str) -> TestResponse:
    form = next(one for one in page.forms.values() if one.action == action)
    for name, value in fields.items():
        form[name] = value
    return form.submit(button or None, status="*")


def restarted(told: Path) -> bool:
    return told.exists() or not Path("/sys/class/net/wlan0").exists()


class TestANewDevice:
    @pytest.mark.parametrize(
        "path", ["/inbox", "/news", "/forgotten", "/device/wipe", "/first/claim"]
    )
    def test_leads_everybody_to_its_first_page(self, new: Village, path: str) -> None:
        assert new.phone().get(path, status=303).location == "/"
        assert "This device is new." in new.phone().get("/").text

    def test_leads_a_phone_that_tests_its_network_there_too(self, new: Village) -> None:
        assert new.phone().get("/generate_204", status=303).location == "/"

    def test_leads_forms_there_too(self, new: Village) -> None:
        phone = new.phone()
        csrf = phone.token("/")
        answer = phone.app.post("/login", {"csrf": csrf, "name": "awa", "password": "x"})
        assert answer.location == "/"

    def test_asks_for_the_language_first(self, new: Village) -> None:
        phone = new.phone()
        page = phone.get("/")
        next_page = page.forms[0].submit("language", value="pt").follow()
        assert next_page.request.path == "/register"
        assert next_page.html.html["lang"] == "pt"

    def test_leads_its_keeper_on_and_nobody_else(self, new: Village) -> None:
        awa, ben = new.phone(), new.phone()
        register(awa, "awa")
        assert awa.get("/inbox", status=303).location == "/first/village"
        register(ben, "ben")
        ben.get("/inbox")
        ben.get("/first/village", status=403)

    def test_goes_on_where_it_was_on_another_phone_after_a_power_cut(self, new: Village) -> None:
        register(new.phone(), "awa")
        with new.store.transaction() as connection:
            connection.execute("UPDATE setting SET value = '\"claim\"' WHERE key = 'first_step'")
        other = Village(new.store).phone()
        answer = other.get("/news", status=200)
        other.log_in("awa")
        assert other.get("/inbox", status=303).location == "/first/claim"
        assert answer.request.path == "/news"

    def test_can_be_left_for_another_day(self, new: Village) -> None:
        awa = new.phone()
        register(awa, "awa")
        assert fill_in(awa.get("/first/village"), "/first/done").location == "/inbox"
        awa.get("/inbox")

    def test_is_not_new_again_when_its_keeper_goes_back(self, new: Village) -> None:
        awa = new.phone()
        register(awa, "awa")
        fill_in(awa.get("/first/village"), "/first/done")
        fill_in(awa.get("/first/claim"), "/first/claim", "later")
        again = Village(new.store).phone()
        again.log_in("awa")
        again.get("/inbox")

    def test_that_had_accounts_before_there_were_first_steps_needs_none(self, new: Village) -> None:
        awa = new.phone()
        register(awa, "awa")
        with new.store.transaction() as connection:
            connection.execute("DELETE FROM setting")
        Village(new.store).phone().get("/news")
        awa.get("/inbox")


class TestTheTimeZone:
    def zone(self, new: Village, language: str) -> str:
        awa = new.phone()
        register(awa, "awa")
        page = awa.speak(awa.get("/first/village"), language)
        form = next(one for one in page.forms.values() if "zone" in one.fields)
        return str(form["zone"].value)

    @pytest.mark.parametrize(
        ("language", "zone"), [("ln", "Africa/Kinshasa"), ("pt", "Africa/Luanda"), ("en", "")]
    )
    def test_that_is_likely_stands_in_the_form(
        self, new: Village, language: str, zone: str
    ) -> None:
        assert self.zone(new, language) == zone

    def test_that_does_not_exist_is_refused_and_the_rest_stays(self, new: Village) -> None:
        awa = new.phone()
        register(awa, "awa")
        form = awa.get("/first/village").forms[0]
        form["village"] = "Boende"
        form["zone"].force_value("Africa/Nowhere")
        page = form.submit(status=422)
        assert "This time zone is not known here." in page.text
        assert page.forms[0]["village"].value == "Boende"


class TestTheWholeWay:
    def test_sets_up_a_device(self, new: Village, told: Path) -> None:
        awa = new.phone()
        register(awa, "awa")
        page = awa.get("/inbox", status=303).follow()
        page = fill_in(
            page, "/first/village", village="Boende", key="mbote na yo", zone="Africa/Lubumbashi"
        )
        page = page.follow()
        assert setting(new.store, "timezone", "") == "Africa/Lubumbashi"
        assert wifi.read() == Wifi("Mokanda Boende", "mbote na yo")
        assert "not been connected to a relay" in page.text
        page = fill_in(page, "/first/claim", text=CLAIM).follow()
        assert claimfile.read(paths.claim().read_text()).domain == "boende.example"
        for text in ("Awa", "awa@boende.example", "Boende", "Mokanda Boende", "mbote na yo"):
            assert text in page.html.main.get_text()
        assert not told.exists()
        page = fill_in(page, "/first/done")
        assert "mbote na yo" in page.text
        wait_until(lambda: restarted(told), "the Wi-Fi's restart", 20)
        assert awa.get("/", status=303).location == "/inbox"
        assert [(act["action"], act["subject"]) for act in new.rows("audit")] == [
            ("plan", "Africa/Lubumbashi"),
            ("village", "Boende"),
            ("wifi", "Mokanda Boende"),
            ("claim", "boende.example"),
        ]

    def test_takes_the_claim_that_lies_on_the_card(self, new: Village) -> None:
        SetupStatus(SetupState.CLAIMED, village="boende", domain="boende.example").publish()
        awa = new.phone()
        register(awa, "awa")
        page = awa.get("/first/claim")
        assert "belongs to its relay" in page.text
        assert fill_in(page, "/first/claim", "later").location.endswith("/first/summary")

    def test_does_without_a_claim_until_later(self, new: Village) -> None:
        awa = new.phone()
        register(awa, "awa")
        page = fill_in(awa.get("/first/claim"), "/first/claim", "later").follow()
        assert "not been connected to a relay" in page.text

    def test_asks_again_for_what_cannot_be_and_keeps_the_rest(
        self, new: Village, told: Path
    ) -> None:
        awa = new.phone()
        register(awa, "awa")
        page = awa.get("/first/village")
        page = fill_in(page, "/first/village", village="Boende", key="short", country="cd")
        assert page.status_code == 409
        assert "8 to 63" in page.html.select_one(".problem").get_text()
        assert page.forms[0]["key"].value == "short"
        assert fill_in(page, "/first/village", key="").status_code == 303
        assert wifi.read() == Wifi("Mokanda Boende", "", "CD")
        assert not told.exists()

    def test_a_claim_file_that_is_none_is_refused(self, new: Village, told: Path) -> None:
        awa = new.phone()
        register(awa, "awa")
        page = fill_in(awa.get("/first/claim"), "/first/claim", text="rubbish")
        assert "copy it whole" in page.html.select_one(".problem").get_text()
        assert not paths.claim().exists()
        assert not told.exists()

    def test_every_page_takes_less_than_4_kilobytes(self, new: Village) -> None:
        awa = new.phone()
        pages = [awa.get("/"), awa.get("/register"), register(awa, "awa")]
        pages += [awa.get(f"/first/{step}") for step in ("village", "claim", "summary")]
        assert all(len(gzip.compress(page.body)) < 4000 for page in pages)


class TestLater:
    def test_the_keeper_changes_village_and_wifi(self, village: Village, told: Path) -> None:
        awa = village.villager("awa")
        page = awa.get("/device/village")
        page = fill_in(page, "/device/village", village="Ikela", network="Ikela", key="12345678")
        assert "12345678" in page.text
        assert wifi.read() == Wifi("Ikela", "12345678")
        wait_until(lambda: restarted(told), "the Wi-Fi's restart", 20)
        assert "Ikela" in awa.get("/inbox").html.header.get_text()
        assert awa.get("/device/village").forms[0]["key"].value == "12345678"

    def test_what_is_not_changed_restarts_nothing(self, village: Village) -> None:
        awa = village.villager("awa")
        page = fill_in(awa.get("/device/village"), "/device/village")
        assert page.location == "/device/village?note=saved"
        assert village.rows("audit") == []

    def test_a_full_card_changes_no_wifi_that_would_not_restart(
        self, village: Village, told: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        awa = village.villager("awa")
        page = awa.get("/device/village")
        village.fill_up(monkeypatch)
        fill_in(page, "/device/village", village="Ikela", network="Ikela", key="12345678")
        assert wifi.read() is None
        assert not told.exists()

    def test_another_claim_file_replaces_the_claim(self, village: Village, told: Path) -> None:
        awa = village.villager("awa")
        form = awa.get("/device/village").forms[1]
        csrf = form["csrf"].value
        answer = awa.app.post(
            "/device/claim",
            {"csrf": csrf, "text": "", "sure": "1"},
            upload_files=[("file", "claim.toml", CLAIM.encode("utf-16"), "text/plain")],
        )
        assert answer.location == "/device/village?note=claim"
        assert claimfile.read(paths.claim().read_text()).domain == "boende.example"
        assert not told.exists()

    def test_a_claim_is_not_replaced_by_mistake(self, village: Village) -> None:
        awa = village.villager("awa")
        page = fill_in(awa.get("/device/village"), "/device/claim", text=CLAIM)
        assert page.status_code == 422
        assert not paths.claim().exists()

    @pytest.mark.parametrize("path", ["/device/village", "/device/wipe"])
    def test_these_pages_are_the_keepers(self, village: Village, path: str) -> None:
        village.villager("awa")
        ben = village.villager("ben")
        ben.get(path, status=403)
        ben.post(path, status=403, sure="1", password=PASSWORD)

    def test_the_page_of_the_device_says_what_became_of_the_wifi(self, village: Village) -> None:
        HotspotStatus(HotspotState.GIVEN_UP, network="Mokanda").publish()
        assert "did not start as it was set" in village.villager("awa").get("/device").text


class TestTheWipe:
    def test_is_asked_for_with_the_password(self, village: Village, told: Path) -> None:
        awa = village.villager("awa")
        page = awa.get("/device/wipe")
        assert "the account of 1 villager" in page.text
        page = fill_in(page, "/device/wipe", password=PASSWORD, sure="1")
        assert "The device is wiped" in page.text
        assert paths.wipe_mark().exists()
        wait_until(told.exists, "the restart", 20)

    @pytest.mark.parametrize(
        ("fields", "status"),
        [({"password": PASSWORD}, 422), ({"password": "wrong", "sure": "1"}, 403)],
    )
    def test_does_not_happen_by_mistake(
        self, village: Village, told: Path, fields: dict[str, str], status: int
    ) -> None:
        awa = village.villager("awa")
        assert fill_in(awa.get("/device/wipe"), "/device/wipe", **fields).status_code == status
        assert not paths.wipe_mark().exists()
        assert not told.exists()
