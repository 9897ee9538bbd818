# SPDX-License-Identifier: Apache-2.0
"""The command as systemd runs it: at the start, and at a request by the socket it holds."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus import requests
from mokanda_firmware.bus.requests import RequestError
from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.setup import wifi
from mokanda_firmware.setup.wifi import Wifi
from scripts.tools.deadlines import wait_until
from tests.setup_service import setup_service
from tests.statuses import published


@pytest.fixture(autouse=True)
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data", "run", "setup"):
        (tmp_path / name).mkdir(mode=0o770)
        monkeypatch.setenv(f"MOKANDA_{name.upper()}", str(tmp_path / name))


def test_a_start_tells_how_the_claim_is() -> None:
    subprocess.run([sys.executable, "-m", "mokanda_firmware.setup"], check=True)
    assert published(SetupStatus).state is SetupState.NO_CLAIM


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Path]:
    """What systemctl is told by a service that is started by requests."""
    with setup_service(tmp_path) as told:
        yield told


def ask(verb: str, **arguments: str) -> dict[str, Any]:
    return requests.ask("setup", verb, timeout=60, **arguments)


@pytest.mark.usefixtures("told")
def test_a_request_starts_it_and_is_answered() -> None:
    assert ask("import")["state"] == "no_claim"


@pytest.mark.usefixtures("told")
def test_the_wifi_is_kept_when_it_is_sound() -> None:
    assert ask("wifi", name="Boende", key="12345678", country="CD") == {"changed": True}
    assert wifi.read() == Wifi("Boende", "12345678", "CD")
    with pytest.raises(RequestError, match="8 to 63"):
        ask("wifi", name="Boende", key="short")
    assert wifi.read() == Wifi("Boende", "12345678", "CD")


@pytest.mark.usefixtures("told")
def test_an_unsound_claim_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(RequestError, match="Ask your relay's operator"):
        ask("claim", text="rubbish")


def test_a_wipe_is_marked_before_the_device_starts_anew(told: Path) -> None:
    assert ask("wipe") == {}
    assert paths.wipe_mark().exists()
    wait_until(told.exists, "the restart", 20)
    assert told.read_text() == "--no-block reboot\n"
