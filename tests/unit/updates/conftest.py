# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders of a device that runs version 1.0.0 from slot A."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    started(monkeypatch, tmp_path, "A")
    release = {"ID": "mokanda", "VERSION_ID": "1.0.0"}
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    return tmp_path


def started(monkeypatch: pytest.MonkeyPatch, folder: Path, slot: str) -> None:
    """Let it look as if U-Boot had started this slot."""
    command_line = folder / "cmdline"
    command_line.write_text(f"console=ttyS0,115200 panic=10 rauc.slot={slot} quiet\n")
    monkeypatch.setattr("mokanda_firmware.running._COMMAND_LINE", command_line)
