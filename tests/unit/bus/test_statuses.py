# SPDX-License-Identifier: Apache-2.0
"""What daemons publish, and read of each other, whichever version has written it."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus import states
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState, LightsState, ModemState
from mokanda_firmware.bus.statuses import CourierStatus, LightsStatus, ModemStatus, Status
from tests.statuses import published

FIRMWARE = Path(states.__file__).parents[1]


def write(kind: type[Status], content: object) -> None:
    """What another version of a daemon has published."""
    path = paths.status(kind.NAME)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def test_a_published_status_is_read_back() -> None:
    status = CourierStatus(
        CourierState.SYNCING,
        detail=Sentence("The relay's answer cannot be read ({why}).", why="HTTP 200"),
        progress=0.5,
        next_sync=datetime(2026, 3, 2, 1, 10, tzinfo=UTC),
    )
    status.publish()
    assert published(CourierStatus) == status
    lights = LightsStatus(LightsState.READY, outputs=("green: LED1", "red: LED2"))
    lights.publish()
    assert published(LightsStatus) == lights


def test_a_daemon_that_has_not_published_has_no_status() -> None:
    assert ModemStatus.read() is None


def test_publishing_leaves_no_other_file(run_folder: Path) -> None:
    ModemStatus(ModemState.READY).publish()
    ModemStatus(ModemState.ABSENT).publish()
    assert [path.name for path in (run_folder / "status").iterdir()] == ["modem.json"]


def test_fields_of_tomorrow_are_skipped_and_those_of_yesterday_have_their_default() -> None:
    write(ModemStatus, {"state": "ready", "bands": [8, 20]})
    assert published(ModemStatus) == ModemStatus(ModemState.READY)


@pytest.mark.parametrize(
    "content",
    [
        {"state": "a word of tomorrow"},
        {"state": 7},
        {"operator": "Vodacom"},
        {"state": "ready", "signal": "strong"},
        {"state": "ready", "signal": True},
        {"state": "ready", "detail": ["well"]},
        [],
        None,
    ],
)
def test_what_is_not_understood_is_no_status(content: object) -> None:
    write(ModemStatus, content)
    assert ModemStatus.read() is None


@pytest.mark.parametrize("text", ["", "{", "[" * 60_000, "\0", '{"state": "ready"' + " " * 70_000])
def test_what_is_no_json_is_no_status(text: str) -> None:
    write(ModemStatus, None)
    paths.status("modem").write_text(text)
    assert ModemStatus.read() is None


@pytest.mark.parametrize(
    ("kind", "package"),
    [
        (states.CourierState, "courier"),
        (states.ModemState, "modem"),
        (states.SetupState, "setup"),
        (states.UpdatesState, "updates"),
        (states.LightsState, "lights"),
        (states.HotspotState, "setup"),
        (states.BackupState, "backup"),
    ],
)
def test_every_state_is_published_by_its_daemon(kind: type[StrEnum], package: str) -> None:
    """Each is named in its package, and not only to be compared with."""
    named = set()
    folders = [package, "uplink"] if package == "courier" else [package]
    for path in (path for folder in folders for path in (FIRMWARE / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        compared = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare | ast.Set)
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or id(node) in compared:
                continue
            if isinstance(node.value, ast.Name) and node.value.id == kind.__name__:
                named.add(kind[node.attr])
    assert named == set(kind)
