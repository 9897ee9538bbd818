# SPDX-License-Identifier: Apache-2.0
"""What happens after a boot: a webmail answers or not, a slot is on trial or not."""

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus import units
from mokanda_firmware.bus.states import StoreState, UpdatesState
from mokanda_firmware.bus.statuses import StoreStatus, UpdatesStatus
from mokanda_firmware.updates.memory import Memory
from mokanda_firmware.updates.proof import prove
from tests.serving import serving
from tests.statuses import published

from .conftest import started

BEGUN = 1_770_000_000
TRIAL = Memory(trial="1.0.0", slot="A", installed=True, begun=BEGUN)


class Webmail:
    """Answers every page with `status`."""

    def __init__(self) -> None:
        self.status = 200
        webmail = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(webmail.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@pytest.fixture
def webmail() -> Iterator[Webmail]:
    webmail = Webmail()
    with serving(webmail.server):
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
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    told.touch()
    return told


class Restarts:
    count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def restarts() -> Restarts:
    return Restarts()


def test_a_working_slot_is_marked_good(webmail: Webmail, restarts: Restarts, marks: Path) -> None:
    assert prove(webmail.port, 0, restarts)
    assert marks.read_text() == "status mark-good booted\n"
    assert published(UpdatesStatus).state is UpdatesState.IDLE
    assert restarts.count == 0


def test_a_new_slot_that_works_ends_its_trial(webmail: Webmail, restarts: Restarts) -> None:
    TRIAL.keep()
    assert prove(webmail.port, 0, restarts)
    assert Memory.read() == Memory(done="1.0.0", done_at=BEGUN)
    assert published(UpdatesStatus).installed == datetime(2026, 2, 2, 2, 40, tzinfo=UTC)


def test_a_new_slot_that_does_not_work_is_restarted(
    webmail: Webmail, restarts: Restarts, marks: Path
) -> None:
    TRIAL.keep()
    webmail.status = 500
    assert not prove(webmail.port, 0, restarts)
    assert restarts.count == 1
    assert marks.read_text() == ""
    assert Memory.read() == TRIAL


def test_a_store_that_cannot_be_read_fails_the_trial(
    webmail: Webmail, restarts: Restarts, store: Path
) -> None:
    TRIAL.keep()
    store.write_bytes(b"no database at all" * 100)
    assert not prove(webmail.port, 0, restarts)
    assert restarts.count == 1


def test_a_firewall_that_does_not_start_fails_the_trial(
    webmail: Webmail, restarts: Restarts
) -> None:
    TRIAL.keep()
    note = paths.status(units.FIREWALL)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text('{"state": "failed"}')
    assert not prove(webmail.port, 0, restarts)
    assert restarts.count == 1


def test_a_proven_slot_is_not_restarted_for_ever(
    webmail: Webmail, restarts: Restarts, marks: Path
) -> None:
    webmail.status = 500
    assert not prove(webmail.port, 0, restarts)
    assert restarts.count == 0
    assert marks.read_text() == ""


def test_a_webmail_that_does_not_listen_fails(webmail: Webmail, restarts: Restarts) -> None:
    webmail.server.server_close()
    assert not prove(webmail.port, 0, restarts)


def test_back_in_the_old_slot_the_keeper_is_told(webmail: Webmail, restarts: Restarts) -> None:
    Memory(trial="1.1.0", slot="B", installed=True, done="1.0.0", done_at=BEGUN).keep()
    assert prove(webmail.port, 0, restarts)
    shown = published(UpdatesStatus)
    assert shown.state is UpdatesState.FAILED
    assert "Version 1.1.0 did not start" in str(shown.detail)
    assert str(shown.detail).endswith("Version 1.0.0 runs again.")
    assert shown.installed is not None
    assert Memory.read().failed == "1.1.0"


def test_a_power_cut_while_installing_leaves_it_wanted(
    webmail: Webmail, restarts: Restarts
) -> None:
    Memory(wanted="1.1.0", trial="1.1.0", slot="B").keep()
    assert prove(webmail.port, 0, restarts)
    assert Memory.read() == Memory(wanted="1.1.0")


def test_a_power_cut_right_after_installing_is_a_trial_all_the_same(
    webmail: Webmail, restarts: Restarts, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(monkeypatch, device, "B")
    Memory(wanted="1.0.0", trial="1.0.0", slot="B").keep()
    webmail.status = 500
    assert not prove(webmail.port, 0, restarts)
    assert restarts.count == 1


def test_a_store_that_does_not_open_sends_nobody_to_the_other_slot(
    webmail: Webmail, restarts: Restarts, marks: Path
) -> None:
    webmail.status = 503
    StoreStatus(StoreState.LOST).publish()
    assert not prove(webmail.port, 0, restarts)
    assert marks.read_text() == "status mark-good booted\n"
    assert restarts.count == 0


def test_a_slot_on_trial_has_to_open_the_store(
    webmail: Webmail, restarts: Restarts, marks: Path
) -> None:
    TRIAL.keep()
    webmail.status = 503
    StoreStatus(StoreState.DAMAGED).publish()
    assert not prove(webmail.port, 0, restarts)
    assert marks.read_text() == ""
    assert restarts.count == 1
