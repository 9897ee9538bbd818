# SPDX-License-Identifier: Apache-2.0
"""The admin app: the fleet page, metrics and health, over a real socket."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup

from mokanda_relay.http.operator_password import MAX_TRIES
from mokanda_relay.operator import fleet, rollouts
from mokanda_relay.relay import OPERATOR_PASSWORD_FILE, Relay, open_relay
from mokanda_relay.store.alerts import report
from mokanda_relay.store.clock import now
from mokanda_relay.store.tables import Device
from mokanda_wire.bundle import Report
from tests.relay_served import Served, basic_login, eventually

pytest_plugins = ("tests.relay_fixtures",)


def cells(served: Served) -> dict[str, str]:
    """The first village's row: each cell's text by its label."""
    page = BeautifulSoup(served.get("/")[1], "html.parser")
    row = page.select_one("tbody tr")
    assert row is not None
    return {
        str(cell["data-label"]): " ".join(cell.text.split())
        for cell in row.find_all(True, recursive=False)
    }


class TestFleetPage:
    def test_without_a_village_it_says_how_to_add_one(self, served: Served) -> None:
        assert "mokanda-relay device add" in served.get("/")[1]

    def test_a_new_village_is_not_claimed(self, served: Served) -> None:
        served.new_device()
        assert cells(served)["State"] == "not claimed"
        assert cells(served)["Last contact"] == "never"

    def test_a_village_is_shown_with_its_figures(self, served: Served) -> None:
        device = served.claimed_device()
        device.freeze(
            device.message("ada@example.org", "Hello"),
            Report({"signal": 63, "board": "orangepi-zero"}),
        )
        device.sync()
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        device.sync()
        served.world.write("ada@example.org", ["amina@kitenge.example"], "Hello", "Hello")
        shown = cells(served)
        assert shown["State"] == "well"
        assert shown["Last contact"] == "just now"
        assert shown["Waiting"] == "↓ 1 ↑ 0" or shown["Waiting"] == "↓ 1↑ 0"
        assert shown["Mails"].replace(" ", "") == "↓0↑1"
        assert shown["Signal"].endswith("63 %")
        assert shown["Version"].replace(" ", "") == "0.1.0orangepi-zero"

    def test_trouble_and_silence_stand_out(self, served: Served) -> None:
        served.claimed_device()
        with served.relay.database.transaction() as session:
            session.execute(sa.update(Device).values(last_exchange=now() - timedelta(days=3)))
        assert cells(served)["State"] == "quiet"
        with served.relay.database.transaction() as session:
            session.execute(sa.update(Device).values(error="bundle 7 was refused"))
        assert cells(served)["State"].startswith("trouble")

    def test_a_village_that_calls_is_not_quiet_though_there_is_always_mail_left(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        with served.relay.database.transaction() as session:
            long_ago = now() - timedelta(days=12)
            session.execute(sa.update(Device).values(last_exchange=long_ago, last_sync=long_ago))
        for subject in ("First", "Second"):
            served.world.write("ada@example.org", ["amina@kitenge.example"], subject, subject)
            served.wait_until_prepared()
            down = device.hello().down
            assert down is not None
            device.apply(down, device.fetch(down.sequence)[1])  # and no more today
        eventually(lambda: cells(served)["State"] == "well", "the download is counted")
        assert cells(served)["Last contact"] == "just nowmail was left; all went 12 d ago"

    def test_a_village_that_only_says_hello_has_tried(self, served: Served) -> None:
        device = served.claimed_device()
        with served.relay.database.transaction() as session:
            long_ago = now() - timedelta(days=12)
            session.execute(sa.update(Device).values(last_exchange=long_ago, last_sync=long_ago))
        device.freeze(device.message("ada@example.org", "Hello"))
        device.hello()
        assert cells(served)["State"] == "quiet"
        assert cells(served)["Last contact"] == "12 d agotried just now"

    def test_trouble_is_over_with_the_next_bundle(self, served: Served) -> None:
        device = served.claimed_device()
        with served.relay.database.transaction() as session:
            session.execute(sa.update(Device).values(error="bundle 7 was refused"))
        served.world.write("ada@example.org", ["amina@kitenge.example"], "Hello", "Hello")
        served.wait_until_prepared()
        device.freeze(device.message("ada@example.org", "Hello"))
        device.upload(device.hello().up_offset)  # and what there is to fetch is left
        assert cells(served)["State"] == "well"

    def test_what_came_over_the_wire_is_text(self, served: Served) -> None:
        device = served.claimed_device()
        device.freeze(Report({"board": "<script>alert(1)</script>"}))
        device.sync()
        report(served.relay.database, "undeliverable", "a mail from <b>x</b>")
        page = served.get("/")[1]
        assert "<script" not in page
        assert "&lt;b&gt;x&lt;/b&gt;" in page

    def test_nothing_in_it_can_run_or_come_from_elsewhere(self, served: Served) -> None:
        page = BeautifulSoup(served.get("/")[1], "html.parser")
        assert not page.find_all(["script", "style", "iframe", "img", "form"])
        assert [link["href"] for link in page.find_all("link")] == ["relay.css"]
        assert served.get("/relay.css")[0] == 200


class TestReleasesPage:
    NAME = "orangepi-zero-0.2.0.raucb"

    def test_without_a_release_it_says_how_to_add_one(self, served: Served) -> None:
        assert "mokanda-relay release add" in served.get("/releases")[1]

    def test_devices_that_go_back_hold_a_release_and_the_operator_chooses(
        self, served: Served
    ) -> None:
        update = served.folder / "update.raucb"
        update.write_bytes(b"update")
        rollouts.publish(served.relay, update, "0.2.0", "orangepi-zero", share=100)
        told = {"board": "orangepi-zero", "update_failed": "No <b>modem</b>."}
        for name in ("kitenge", "liputa", "mboka"):
            device = served.claimed_device(name)
            device.freeze(Report({**told, "failed_version": "0.2.0"}))
            device.sync()
        assert "is held: 3 of 3 devices" in served.get("/")[1]
        page = served.get("/releases")[1]
        assert "No &lt;b&gt;modem&lt;/b&gt;." in page
        assert device.hello().release is None
        assert self.press(served, "go-on") == 200
        assert "100 % of stable" in served.get("/releases")[1]
        offered = device.hello().release
        assert offered is not None
        assert offered.version == "0.2.0"
        assert self.press(served, "withdraw") == 200
        assert device.hello().release is None
        assert "withdrawn" in served.get("/releases")[1]

    def test_a_device_that_runs_it_says_so_by_its_hello(self, served: Served) -> None:
        update = served.folder / "update.raucb"
        update.write_bytes(b"update")
        rollouts.publish(served.relay, update, "0.1.0", "orangepi-zero")
        device = served.claimed_device()
        device.freeze(Report({"board": "orangepi-zero"}))
        device.sync()
        device.hello()
        assert "runs on 1; given up by 0" in served.get("/releases")[1]

    def test_a_manifest_that_is_damaged_is_named(self, served: Served) -> None:
        (served.relay.releases / "manifest.json").write_text("[]")
        status, told = served.get("/releases")
        assert (status, "manifest.json cannot be read" in told) == (500, True)

    def test_what_is_not_this_form_changes_nothing(self, served: Served) -> None:
        update = served.folder / "update.raucb"
        update.write_bytes(b"update")
        rollouts.publish(served.relay, update, "0.2.0", "orangepi-zero")
        assert self.press(served, "hold", proof="guessed") == 403
        assert self.press(served, "burn") == 400
        assert self.press(served, "hold", release="none.raucb") == 409
        assert "10 % of stable" in served.get("/releases")[1]

    def press(self, served: Served, do: str, *, proof: str = "", release: str = NAME) -> int:
        """Press a button of the page; the status of what comes."""
        page = BeautifulSoup(served.get("/releases")[1], "html.parser")
        field = page.select_one("input[name=proof]")
        assert field is not None
        form = {"proof": proof or str(field["value"]), "release": release, "do": do}
        return served.post("/releases", form)[0]


@pytest.mark.parametrize("path", ["/", "/releases", "/metrics"])
class TestPassword:
    def test_page_and_metrics_ask_for_it(self, served: Served, path: str) -> None:
        assert served.get(path, Authorization="")[0] == 401
        assert served.get(path, Authorization=basic_login("guess"))[0] == 401
        assert served.get(path, Authorization=basic_login(""))[0] == 401
        assert served.get(path, Authorization="Basic §")[0] == 401
        assert served.get(path)[0] == 200
        assert served.get("/healthz", Authorization="")[0] == 200

    def test_it_cannot_be_guessed_as_often_as_one_likes(self, served: Served, path: str) -> None:
        for _ in range(MAX_TRIES + 1):
            assert served.get(path, Authorization="")[0] == 401  # a browser asks like this first
        for _ in range(MAX_TRIES):
            assert served.get(path, Authorization=basic_login("guess"))[0] == 401
        assert served.get(path)[0] == 429
        assert served.get("/healthz", Authorization="")[0] == 200

    def test_where_none_is_set_the_relay_makes_its_own(self, served: Served, path: str) -> None:
        assert served.relay.settings.operator_password == ""
        own = (served.relay.settings.data / OPERATOR_PASSWORD_FILE).read_text()
        assert served.get(path, Authorization=basic_login(own))[0] == 200


def test_the_password_is_the_one_that_the_operator_has_set(relay: Relay) -> None:
    settings = dataclasses.replace(relay.settings, operator_password="dugout canoe")
    with contextlib.closing((opened := open_relay(settings)).database):
        assert opened.operator_password == "dugout canoe"


def test_metrics_have_a_line_for_each_village(served: Served) -> None:
    served.claimed_device("kitenge")
    served.new_device("liputa")
    lines = served.get("/metrics")[1].splitlines()
    assert 'mokanda_device_claimed{device="kitenge"} 1' in lines
    assert 'mokanda_device_claimed{device="liputa"} 0' in lines
    assert lines.count("# TYPE mokanda_device_claimed gauge") == 1


def test_health_tells_of_a_database_that_does_not_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served.get("/healthz") == (200, "ok\n")

    def fails(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("sqlalchemy.orm.Session.execute", fails)
    assert served.get("/healthz")[0] == 503


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3600, "1 h ago"),
        (47 * 3600, "47 h ago"),
        (48 * 3600, "2 d ago"),
    ],
)
def test_times_are_told_in_one_unit(seconds: int, text: str) -> None:
    assert fleet.ago(now() - timedelta(seconds=seconds), now()) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (123456, "123 KB"), (10**9, "1.0 GB")],
)
def test_sizes_are_told_in_one_unit(count: int, text: str) -> None:
    assert fleet.size(count) == text
