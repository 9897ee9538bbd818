# SPDX-License-Identifier: Apache-2.0
"""The courier daemon: its own process, its statuses and requests, a real relay."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.requests import RequestError, Requests, UnavailableError, ask
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState, SetupState
from mokanda_firmware.bus.statuses import CourierStatus, SetupStatus
from mokanda_firmware.courier import card, schedule
from mokanda_firmware.mailbox.costs import usage
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.uplink import refusals
from mokanda_relay.operator import devices
from mokanda_wire import claimfile, durable, protocol
from scripts.tools.deadlines import wait_until
from tests.relay_served import Served
from tests.small_disk import fill, memory
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


@pytest.fixture
def village(new_village: Village) -> Village:
    return new_village


@pytest.fixture
def courier(village: Village, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon, started before there is a claim file."""
    assert village.accounts
    paths.claim().unlink()
    with (
        (tmp_path / "courier.log").open("wb") as log,
        subprocess.Popen([sys.executable, "-m", "mokanda_firmware.courier"], stderr=log) as daemon,
    ):
        wait_until(lambda: told("state"), "the courier's first status", seconds=20)
        yield daemon
        daemon.terminate()
        assert daemon.wait(20) == 0


def told(field: str) -> Any:  # noqa: ANN401 - whatever a status holds
    courier = CourierStatus.read()
    return courier and getattr(courier, field)


def wait_for(state: CourierState) -> None:
    wait_until(lambda: told("state") is state, f"the courier's state {state}", seconds=30)


def import_claim(village: Village) -> None:
    """What the setup service does with a claim file."""
    village.import_claim()
    SetupStatus(SetupState.CLAIM_PENDING).publish()


def test_a_device_without_a_claim_says_what_to_do(courier: subprocess.Popen[bytes]) -> None:
    assert courier.poll() is None
    assert told("state") is CourierState.UNCLAIMED
    assert "Copy a claim file" in str(told("detail"))


def test_an_imported_claim_is_redeemed_at_once(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    assert courier.poll() is None
    assert told("last_success")
    assert told("next_sync") > told("last_success")
    assert told("overdue") == told("next_sync") + schedule.NIGHT
    assert (told("link"), told("no_way")) == ("network", False)


def test_mail_goes_when_the_webmail_asks(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    village.write("now, please")
    assert ask("courier", "sync") == {"accepted": True}
    wait_until(lambda: told("sent") == 1, "the mail on its way", seconds=30)
    assert village.texts("sent") == ["now, please"]
    assert told("bytes_up") > 0
    assert courier.poll() is None


def test_a_rehearsal_seals_and_opens_with_the_keys_of_the_device(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    assert ask("courier", "rehearse", timeout=60) == {}  # as long as there is no claim, too
    import_claim(village)
    wait_for(CourierState.IDLE)
    assert ask("courier", "rehearse", timeout=60) == {}
    shutil.rmtree(paths.keys() / "private-keys-v1.d")
    with pytest.raises(RequestError, match="cannot seal mail for the relay"):
        ask("courier", "rehearse", timeout=60)
    assert courier.poll() is None


@pytest.fixture
def others(village: Village) -> Iterator[Path]:
    """A file in the folder of statuses and sockets, that may take all its room."""
    assert village.accounts
    paths.run().mkdir(parents=True, exist_ok=True)
    with memory(paths.run()) as file:
        yield file


def test_mail_goes_where_there_is_no_room_for_statuses(
    village: Village, others: Path, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    fill(others)
    village.write("now, please")
    ask("courier", "sync")
    wait_until(lambda: told("sent") == 1, "the mail on its way", seconds=30)
    assert village.texts("sent") == ["now, please"]
    assert courier.poll() is None


def test_after_a_run_the_balance_may_be_asked_for(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    set_setting(village.store, "timezone", "Africa/Kinshasa")
    requests = Requests("modem")
    try:
        import_claim(village)
        request = requests.receive(timeout=30)
        while request is not None and request.verb != "balance":
            request.fail(Sentence("No modem is plugged in."))
            request = requests.receive(timeout=30)
        assert request is not None
        assert request.text("zone", 64) == "Africa/Kinshasa"
        wait_for(CourierState.IDLE)  # nobody waits for the answer
    finally:
        requests.close()
    assert courier.poll() is None


def test_a_new_schedule_is_taken_over(village: Village, courier: subprocess.Popen[bytes]) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    set_setting(village.store, "timezone", "Africa/Kinshasa")
    plan = schedule.Plan(first="05:30")
    set_setting(village.store, schedule.SETTING, schedule.plan_to_json(plan))
    ask("courier", "reschedule")
    wait_until(lambda: f"{told('next_sync'):%H:%M:%S}" == "04:30:00", "the new time", seconds=10)
    assert courier.poll() is None


def test_letters_that_wait_are_told_to_the_lamps(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    assert told("waiting") == 0
    village.write("wait a while")
    ask("courier", "waiting")
    wait_until(lambda: told("waiting") == 1, "the count", seconds=10)
    ask("courier", "sync")
    wait_until(lambda: told("waiting") == 0, "the letter on its way", seconds=30)
    assert courier.poll() is None


def test_bytes_of_other_daemons_are_counted(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    assert ask("courier", "count", up=1000, down=96_000) == {}
    assert usage.days(village.store)[0].used == usage.Used(1000, 96_000)
    with pytest.raises(RequestError, match="does not understand"):
        ask("courier", "count", up="many", down=-1)
    assert courier.poll() is None


def test_a_day_that_is_spent_is_no_fault(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    set_setting(village.store, "budget", {"village": 10_000, "villager": None})
    usage.count(village.store, 10_000, 0)
    village.write("tomorrow")
    ask("courier", "sync")
    wait_until(lambda: "goes tomorrow" in str(told("detail")), "the reason", seconds=30)
    assert (told("state"), told("waiting")) == (CourierState.IDLE, 1)
    ask("courier", "sync", beyond=True)
    wait_until(lambda: told("waiting") == 0, "the letter on its way", seconds=30)
    assert courier.poll() is None


def test_a_failure_is_told_with_its_reason_and_the_next_try(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    claim = claimfile.read(paths.claim().read_text())
    text = claimfile.write(claim).replace(claim.relay, "https://127.0.0.1:1")
    durable.write(paths.claim(), text.encode())
    ask("courier", "sync")
    wait_for(CourierState.FAILED)
    assert "cannot be reached" in str(told("detail"))
    assert (told("link"), told("no_way")) == ("network", True)
    assert told("next_sync")
    assert courier.poll() is None


def test_a_copied_card_is_told_whether_it_is_served(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    first = paths.card_mark().read_bytes()
    paths.card_mark().unlink()  # as if it were another one
    village.sync()
    other = paths.card_mark().read_bytes()
    paths.card_mark().write_bytes(first)
    ask("courier", "sync")
    wait_for(CourierState.REFUSED)
    assert told("detail") == refusals.SENTENCES[protocol.CARD_COPIED]
    paths.card_mark().write_bytes(other)
    ask("courier", "sync")
    wait_until(lambda: told("detail") == card.SERVED, "that this one is served", seconds=30)
    assert told("state") is CourierState.COPIED
    assert courier.poll() is None


def test_a_device_that_its_relay_refuses_says_why_also_after_a_restart(
    served: Served, village: Village, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    devices.remove(served.relay, "kitenge")
    ask("courier", "sync")
    wait_for(CourierState.REFUSED)
    assert told("detail") == refusals.SENTENCES[protocol.DEVICE_UNKNOWN]
    os.kill(courier.pid, signal.SIGKILL)
    courier.wait()
    courier.returncode = 0
    paths.status(CourierStatus.NAME).unlink()
    with subprocess.Popen([sys.executable, "-m", "mokanda_firmware.courier"]) as again:
        wait_until(lambda: told("state"), "its first status", seconds=20)
        assert told("state") is CourierState.REFUSED
        assert told("detail") == refusals.SENTENCES[protocol.DEVICE_UNKNOWN]
        again.terminate()


def test_a_request_that_it_does_not_know_is_refused(courier: subprocess.Popen[bytes]) -> None:
    with pytest.raises(RequestError, match="does not understand"):
        ask("courier", "dance")
    assert courier.poll() is None


def test_a_killed_courier_leaves_nothing_in_the_way(
    village: Village, courier: subprocess.Popen[bytes]
) -> None:
    import_claim(village)
    wait_for(CourierState.IDLE)
    village.write("survives")
    ask("courier", "sync")
    os.kill(courier.pid, signal.SIGKILL)
    courier.wait()
    with subprocess.Popen([sys.executable, "-m", "mokanda_firmware.courier"]) as again:
        wait_until(lambda: _asked(), "the courier's socket", seconds=20)
        wait_until(lambda: village.texts("sent"), "the mail on its way", seconds=30)
        again.terminate()
    courier.returncode = 0


def _asked() -> bool:
    try:
        return ask("courier", "sync") == {"accepted": True}
    except UnavailableError:
        return False
