# SPDX-License-Identifier: Apache-2.0
"""What the keeper may set for the modem, and what of it is kept."""

import json
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.modem.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings("internet"),
        Settings("A-b.9" * 20),
        Settings("own.cd", "u@own.cd", 'all "that" \\is typed\''),
        Settings(balance_code="*100*1#", balance_daily=True),
        Settings(balance_code="#" * 30),
    ],
)
def test_what_networks_ask_for_can_be_set(settings: Settings) -> None:
    settings.check()
    settings.keep()
    assert Settings.read() == settings


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (Settings('own"'), "apn"),
        (Settings("own\n"), "apn"),
        (Settings("own cd"), "apn"),
        (Settings("réseau"), "apn"),
        (Settings("x" * 101), "apn"),
        (Settings("own.cd", "u\n"), "username"),
        (Settings("own.cd", "u" * 65), "username"),
        (Settings("own.cd", "u", "p\x00"), "password"),
        (Settings("own.cd", "u", "é"), "password"),
        (Settings(username="u"), "apn"),
        (Settings(balance_code="*100# "), "balance_code"),
        (Settings(balance_code="*100#\n"), "balance_code"),
        (Settings(balance_code='*1"#'), "balance_code"),
        (Settings(balance_code="*1+2#"), "balance_code"),
        (Settings(balance_code="*\u0661#"), "balance_code"),
        (Settings(balance_code="*" * 31), "balance_code"),
    ],
)
def test_what_would_end_a_word_of_modem_or_pppd_cannot(settings: Settings, field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.check()
    assert caught.value.field == field


def test_settings_that_cannot_be_used_are_none(tmp_path: Path) -> None:
    (tmp_path / "modem.json").write_text(json.dumps({"apn": 'own"\r', "roaming": True}))
    assert paths.modem().exists()
    assert Settings.read() == Settings()
