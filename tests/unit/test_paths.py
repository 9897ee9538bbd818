# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from mokanda_firmware import paths


def test_a_device_keeps_its_data_on_the_data_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOKANDA_DATA", raising=False)
    assert paths.mail_database() == Path("/data/mokanda/mail.db")


def test_a_run_elsewhere_moves_every_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    assert paths.claim() == tmp_path / "data" / "claim.toml"
    assert paths.status("modem") == tmp_path / "run" / "status" / "modem.json"
