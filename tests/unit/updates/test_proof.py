# SPDX-License-Identifier: Apache-2.0
"""What happens after a boot: all works or something does not, a slot is on trial or not."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus import units
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState, StoreState, UpdatesState
from mokanda_firmware.bus.statuses import ModemStatus, StoreStatus, UpdatesStatus
from mokanda_firmware.updates import health, rot, system_units, upkeep
from mokanda_firmware.updates.memory import Memory
from mokanda_firmware.updates.proof import prove
from mokanda_firmware.updates.upkeep import Upkeep
from tests.statuses import published

from .conftest import started
from .system import COURIER, HOTSPOT, UPDATES, Daemons, Units, Webmail, webmail_serving

BEGUN = 1_770_000_000
TRIAL = Memory(trial="1.0.0", slot="A", installed=True, begun=BEGUN)
GOOD, BACK = "status mark-good booted\n", "status mark-active other\n"


@pytest.fixture
def webmail() -> Iterator[Webmail]:
    with webmail_serving() as webmail:
        yield webmail


@pytest.fixture(autouse=True)
def store() -> Path:
    with sqlite3.connect(paths.mail_database()) as connection:
        connection.execute("CREATE TABLE account (name TEXT)")
        connection.execute("INSERT INTO account VALUES ('amina')")
    connection.close()
    return paths.mail_database()


@pytest.fixture(autouse=True)
def marks(device: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What RAUC was told, a line each."""
    path, told = device / "bin" / "rauc", device / "told"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    told.touch()
    return told


@pytest.fixture(autouse=True)
def system(device: Path, monkeypatch: pytest.MonkeyPatch) -> Units:
    """A system in which every unit runs, of which a minute goes by in a moment."""
    units = Units(device)
    monkeypatch.setattr(system_units, "PLACES", (units.places,))
    monkeypatch.setattr(health, "STEADY", 0.1)
    monkeypatch.setattr(health, "_LOOK", 0.02)
    ModemStatus(ModemState.READY).publish()
    return units


@pytest.fixture(autouse=True)
def daemons(device: Path) -> Iterator[Daemons]:  # noqa: ARG001 - where their sockets are
    daemons = Daemons()
    with daemons.serving():
        yield daemons


def why() -> str:
    """What is noted of the last start of a trial."""
    reason = Memory.read().reason
    assert reason is not None
    return str(reason)


def test_a_working_slot_is_marked_good(webmail: Webmail, marks: Path) -> None:
    assert prove(webmail.port, 0)
    assert marks.read_text() == GOOD
    assert published(UpdatesStatus).state is UpdatesState.IDLE


def test_a_slot_that_has_proved_itself_is_asked_for_little(
    webmail: Webmail, daemons: Daemons
) -> None:
    assert prove(webmail.port, 0)
    assert not daemons.asked


def test_a_new_slot_that_works_ends_its_trial(webmail: Webmail, marks: Path) -> None:
    TRIAL.keep()
    assert prove(webmail.port, 0)
    assert marks.read_text() == GOOD
    assert Memory.read() == Memory(done="1.0.0", done_at=BEGUN)
    assert published(UpdatesStatus).installed == datetime(2026, 2, 2, 2, 40, tzinfo=UTC)


def test_a_new_slot_whose_webmail_fails_is_not_marked_good(webmail: Webmail, marks: Path) -> None:
    TRIAL.keep()
    webmail.status = 500
    assert not prove(webmail.port, 0)
    assert marks.read_text() == ""
    assert Memory.read() == TRIAL._replace(reason=Memory.read().reason)
    assert why() == "It does not show its pages (500)."


def test_a_daemon_that_ended_fails_the_trial(webmail: Webmail, marks: Path, system: Units) -> None:
    TRIAL.keep()
    system.set(COURIER, ActiveState="activating", SubState="auto-restart", Result="exit-code")
    assert not prove(webmail.port, 0)
    assert marks.read_text() == ""
    assert why() == "A part of it does not run (mokanda-courier.service)."


def test_a_daemon_that_is_started_again_and_again_fails_the_trial(
    webmail: Webmail, marks: Path, system: Units
) -> None:
    TRIAL.keep()
    system.let_start_anew_at_each_look(COURIER)
    assert not prove(webmail.port, 0.5)
    assert marks.read_text() == ""
    assert why() == "A part of it ends again and again (mokanda-courier.service)."


def test_a_daemon_that_its_socket_starts_need_not_run_but_must_not_fail(
    webmail: Webmail, system: Units
) -> None:
    TRIAL.keep()
    system.set(UPDATES, ActiveState="failed", SubState="failed", Result="exit-code")
    assert not prove(webmail.port, 0)
    assert UPDATES in why()


def test_a_daemon_that_does_not_answer_fails_the_trial(webmail: Webmail, daemons: Daemons) -> None:
    TRIAL.keep()
    daemons.end("modem")
    assert not prove(webmail.port, 0)
    assert why() == "A part of it does not answer (modem)."


def test_a_courier_that_cannot_seal_fails_the_trial(webmail: Webmail, daemons: Daemons) -> None:
    TRIAL.keep()
    daemons.trouble = Sentence("It cannot seal mail for the relay ({why}).", why="no gpg")
    assert not prove(webmail.port, 0)
    assert why() == "It cannot seal mail for the relay (no gpg)."


def test_a_modem_that_is_no_longer_found_fails_the_trial(webmail: Webmail) -> None:
    TRIAL.keep()
    ModemStatus(ModemState.ABSENT).publish()
    assert not prove(webmail.port, 0)
    assert why() == "It does not find the modem."


def test_what_did_not_work_before_the_update_is_not_asked_of_it(
    webmail: Webmail, marks: Path, system: Units
) -> None:
    system.set(HOTSPOT, ActiveState="inactive", SubState="dead")
    ModemStatus(ModemState.ABSENT).publish()
    StoreStatus(StoreState.DAMAGED).publish()
    webmail.status = 503
    TRIAL._replace(lacked=health.lacking(webmail.port)).keep()
    assert prove(webmail.port, 0)
    assert marks.read_text() == GOOD


def test_a_wifi_card_that_is_no_longer_found_fails_the_trial(
    webmail: Webmail, system: Units
) -> None:
    TRIAL._replace(lacked=health.lacking(webmail.port)).keep()
    system.set(HOTSPOT, ActiveState="inactive", SubState="dead")
    assert not prove(webmail.port, 0)
    assert why() == "A part of it does not run (mokanda-hotspot.service)."


def test_a_unit_whose_conditions_do_not_hold_need_not_run(webmail: Webmail, system: Units) -> None:
    TRIAL.keep()
    system.set(COURIER, ActiveState="inactive", SubState="dead", ConditionResult="no")
    assert prove(webmail.port, 0)


def test_a_store_that_cannot_be_read_fails_the_trial(
    webmail: Webmail, marks: Path, store: Path
) -> None:
    TRIAL.keep()
    store.write_bytes(b"no database at all" * 100)
    assert not prove(webmail.port, 0)
    assert marks.read_text() == ""


def test_a_slot_on_trial_has_to_open_the_store(webmail: Webmail, marks: Path) -> None:
    TRIAL.keep()
    webmail.status = 503
    StoreStatus(StoreState.DAMAGED).publish()
    assert not prove(webmail.port, 0)
    assert marks.read_text() == ""


def test_a_full_card_puts_the_trial_off(webmail: Webmail, marks: Path) -> None:
    TRIAL.keep()
    webmail.status = 503
    StoreStatus(StoreState.FULL).publish()
    assert not prove(webmail.port, 300)  # at once
    assert marks.read_text() == BACK
    assert Memory.read().put_off


def test_a_full_card_of_which_all_is_read_is_no_trouble(webmail: Webmail, marks: Path) -> None:
    StoreStatus(StoreState.FULL).publish()
    TRIAL.keep()
    assert prove(webmail.port, 0)
    assert not Memory.read().trial
    assert prove(webmail.port, 0)  # at the next start, too
    assert marks.read_text() == GOOD + GOOD


def test_a_version_that_does_not_open_the_store_of_a_full_card_as_the_one_before_did(
    webmail: Webmail, marks: Path
) -> None:
    StoreStatus(StoreState.FULL).publish()
    TRIAL._replace(lacked=health.lacking(webmail.port)).keep()
    webmail.status = 503
    assert not prove(webmail.port, 0)
    assert marks.read_text() == BACK


def test_after_a_trial_that_was_put_off_the_keeper_is_told(
    webmail: Webmail, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = Sentence("The card is full, or cannot be written to.")
    TRIAL._replace(put_off=True, reason=reason).keep()
    started(monkeypatch, device, "B")
    assert prove(webmail.port, 0)
    shown = published(UpdatesStatus)
    assert (shown.state, shown.failed) == (UpdatesState.FAILED, "1.0.0")
    assert shown.put_off
    assert "itself. The card is full, or cannot be written to. Version" in str(shown.detail)
    assert Memory.read().trial == "1.0.0"  # it lies there still


def test_an_unproven_slot_is_started_anew_until_its_tries_are_used_up(device: Path) -> None:
    TRIAL.keep()
    assert restarted(device, "exit-code", "A") == "reboot\n"
    assert restarted(device, "timeout", "A") == "reboot\n"
    assert restarted(device, "success", "A") == ""


def test_only_a_slot_on_trial_is_started_anew(device: Path) -> None:
    assert restarted(device, "exit-code", "A") == ""
    TRIAL.keep()
    assert restarted(device, "exit-code", "B") == ""
    Memory(done="1.0.0", slot="A").keep()
    assert restarted(device, "exit-code", "A") == ""


def restarted(device: Path, result: str, slot: str) -> str:
    """What `trial-ended` has systemd do when the proof has ended so."""
    told, command_line = device / "restarts", device / "line"
    told.write_text("")
    command_line.write_text(f"console=ttyS0 rauc.slot={slot} quiet\n")
    systemctl = device / "bin" / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    script = Path(__file__).parents[3] / "firmware/system/usr/lib/mokanda/trial-ended"
    environment = {**os.environ, "SERVICE_RESULT": result}
    subprocess.run([script, command_line], env=environment, check=True, timeout=10)
    return told.read_text()


def test_a_proven_slot_that_does_not_come_up_is_not_marked_good(
    webmail: Webmail, marks: Path
) -> None:
    webmail.status = 500
    assert not prove(webmail.port, 0)
    assert marks.read_text() == ""


@pytest.fixture
def rotten(monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of the system that cannot be read from the card, nor mended."""

    def look() -> bool:
        Upkeep(lost=1, file="/usr/lib/a-library").keep()
        return False

    monkeypatch.setattr(rot, "is_met", lambda: True)
    monkeypatch.setattr(upkeep, "have_mended", look)
    return "/usr/lib/a-library"


def test_a_system_that_has_rotted_lets_the_other_start_next(
    webmail: Webmail, marks: Path, rotten: str
) -> None:
    Memory(done="1.0.0").keep()
    webmail.status = 500
    assert not prove(webmail.port, 0)
    assert marks.read_text() == BACK
    shown = published(UpdatesStatus)
    assert (shown.state, shown.failed) == (UpdatesState.FAILED, "")  # no version is to blame
    assert rotten in str(shown.detail)


def test_one_that_was_mended_is_tried_once_more(
    webmail: Webmail, marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rot, "is_met", lambda: True)
    monkeypatch.setattr(upkeep, "have_mended", lambda: True)
    Memory(done="1.0.0").keep()
    webmail.status = 500
    assert not prove(webmail.port, 0)
    assert marks.read_text() == ""


def test_one_that_works_all_the_same_stays_and_says_so(
    webmail: Webmail, marks: Path, rotten: str
) -> None:
    Memory(done="1.0.0").keep()
    for _ in range(2):  # at each start
        assert prove(webmail.port, 0)
        assert rotten in str(published(UpdatesStatus).detail)
    assert marks.read_text() == 2 * GOOD


def test_a_system_that_has_rotted_is_not_started_again_by_the_other(
    webmail: Webmail, marks: Path, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(monkeypatch, device, "B")
    Memory(done="1.1.0", failed="1.1.0").keep()
    assert prove(webmail.port, 0)
    assert marks.read_text() == GOOD


def test_a_webmail_that_does_not_listen_fails(webmail: Webmail) -> None:
    webmail.server.server_close()
    assert not prove(webmail.port, 0)


def test_a_firewall_that_does_not_start_fails(webmail: Webmail) -> None:
    note = paths.status(units.FIREWALL)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text('{"state": "failed"}')
    assert not prove(webmail.port, 0)


def test_a_store_that_does_not_open_costs_a_proven_slot_no_tries(
    webmail: Webmail, marks: Path
) -> None:
    webmail.status = 503
    StoreStatus(StoreState.LOST).publish()
    assert not prove(webmail.port, 0)
    assert marks.read_text() == GOOD


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (None, "Version 1.1.0 did not start as it should. Version 1.0.0 runs again."),
        (
            Sentence("It does not find the modem."),
            "Version 1.1.0 did not prove itself. It does not find the modem."
            " Version 1.0.0 runs again.",
        ),
    ],
)
def test_back_in_the_old_slot_the_keeper_is_told(
    webmail: Webmail, reason: Sentence | None, told: str
) -> None:
    trial = Memory(trial="1.1.0", slot="B", installed=True, done="1.0.0", done_at=BEGUN)
    trial._replace(reason=reason).keep()
    assert prove(webmail.port, 0)
    shown = published(UpdatesStatus)
    assert (shown.state, shown.failed) == (UpdatesState.FAILED, "1.1.0")
    assert str(shown.detail) == told
    assert shown.installed is not None


def test_an_older_slot_lets_the_one_that_proved_itself_start_next(
    webmail: Webmail, marks: Path
) -> None:
    Memory(done="1.1.0", done_at=BEGUN).keep()
    assert prove(webmail.port, 0)
    assert marks.read_text() == BACK + GOOD
    shown = published(UpdatesStatus)
    assert shown.state is UpdatesState.FAILED
    assert "Version 1.0.0 runs until the next start." in str(shown.detail)


def test_it_does_so_though_the_store_is_too_new_for_it(webmail: Webmail, marks: Path) -> None:
    Memory(done="1.1.0").keep()
    webmail.status = 503
    StoreStatus(StoreState.NEWER).publish()
    prove(webmail.port, 0)
    assert marks.read_text().startswith(BACK)


def test_it_does_so_once(webmail: Webmail, marks: Path) -> None:
    Memory(done="1.1.0", failed="1.1.0").keep()
    assert prove(webmail.port, 0)
    assert marks.read_text() == GOOD


def test_a_slot_that_starts_after_all_has_not_failed(webmail: Webmail) -> None:
    Memory(done="1.0.0", failed="1.0.0").keep()
    assert prove(webmail.port, 0)
    assert Memory.read() == Memory(done="1.0.0")


def test_a_power_cut_while_installing_leaves_it_wanted(webmail: Webmail) -> None:
    Memory(wanted="1.1.0", trial="1.1.0", slot="B").keep()
    assert prove(webmail.port, 0)
    assert Memory.read() == Memory(wanted="1.1.0")


def test_a_power_cut_right_after_installing_is_a_trial_all_the_same(
    webmail: Webmail, marks: Path, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(monkeypatch, device, "B")
    Memory(wanted="1.0.0", trial="1.0.0", slot="B").keep()
    webmail.status = 500
    assert not prove(webmail.port, 0)
    assert marks.read_text() == ""
    assert Memory.read().installed
