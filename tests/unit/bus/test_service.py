# SPDX-License-Identifier: Apache-2.0
"""How a daemon says that it serves."""

import socket
from pathlib import Path

import pytest

from mokanda_firmware.bus import publishing, units
from mokanda_firmware.bus.service import ready
from mokanda_firmware.bus.states import UnitState
from scripts.tools.deadlines import wait_until


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """Where systemd listens."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.bind(str(tmp_path / "notify"))
    channel.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    return channel


def test_a_daemon_that_is_ready_tells_systemd_and_whoever_shows_how_it_is(
    systemd: socket.socket,
) -> None:
    assert units.state_of("mokanda-lights") is None
    ready("lights")
    assert systemd.recv(100) == b"READY=1"
    assert units.state_of("mokanda-lights") is UnitState.UP


def test_a_note_that_has_no_room_keeps_no_daemon_from_being_ready(
    systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "AGAIN", 0.05)
    (tmp_path / "status").write_bytes(b"no folder")
    ready("lights")
    assert systemd.recv(100) == b"READY=1"
    assert units.state_of("mokanda-lights") is None
    (tmp_path / "status").unlink()
    wait_until(lambda: units.state_of("mokanda-lights") is UnitState.UP, "the note", 20)
