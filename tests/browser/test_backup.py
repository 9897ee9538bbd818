# SPDX-License-Identifier: Apache-2.0
"""Backups and the log on a phone, with the real daemon beside the webmail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.bus.states import BackupState
from scripts.tools.deadlines import wait_until
from tests.browser.conftest import PASSWORD, Phone, Phones, Webmail
from tests.browser.test_pages import LOOKS, found
from tests.unit.backup.conftest import PASSPHRASE, Backups, FolderStick

pytestmark = pytest.mark.browser

JOURNAL = """#!/bin/sh
at='"__REALTIME_TIMESTAMP":"1795433019123456"'
for part in courier modem webmail lights updates setup; do
  echo "{$at,\\"PRIORITY\\":\\"6\\",\\"_SYSTEMD_UNIT\\":\\"mokanda-$part.service\\"," \
    '"MESSAGE":"synced: 3 mails up, 12 down, 40 KB in 41 s over ppp0"}'
  echo "{$at,"'"PRIORITY":"4","SYSLOG_IDENTIFIER":"hostapd",' \
    '"MESSAGE":"wlan0: STA 3c:5a:b4:11:22:33 did not answer"}'
done
"""


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal for the webmail, which is started after this."""
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(JOURNAL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.fixture
def backups(webmail: Webmail, tmp_path: Path) -> Iterator[Backups]:
    assert webmail.url
    (tmp_path / "stick").mkdir()
    running = Backups(FolderStick(tmp_path / "stick"))
    yield running
    running.close()


def wait(backups: Backups) -> None:
    wait_until(lambda: backups.ask("look").state is not BackupState.WORKING, "the work", seconds=60)


@pytest.mark.parametrize("javascript", [False, True], ids=["plain", "script"])
def test_the_keeper_backs_up_and_restores(
    phones: Phones, backups: Backups, javascript: bool
) -> None:
    keeper = phones(javascript=javascript)
    keeper.register("awa")
    keeper.open("/more")
    keeper.press("Backup")
    keeper.fill(passphrase=PASSPHRASE, again=PASSPHRASE)
    keeper.press("Make a backup")
    keeper.page.get_by_text("You may take the stick out now.").wait_for(timeout=60_000)
    keeper.shoot("made")
    keeper.page.fill("#its-passphrase", PASSPHRASE)
    keeper.press("Look what is in it")
    keeper.page.get_by_text("This is in the backup").wait_for(timeout=60_000)
    keeper.shoot("looked")
    keeper.page.check("[name=sure]")
    keeper.press("Restore this backup")
    keeper.page.get_by_text("The device starts anew").wait_for()
    assert backups.restarts == 1


def register(keeper: Phone) -> None:
    keeper.open("/register")
    keeper.fill(name="awa", display_name="Awa", password=PASSWORD, again=PASSWORD)
    keeper.page.click("main button")


@LOOKS
def test_these_pages_fit_a_phone_and_axe_finds_nothing(
    phones: Phones, backups: Backups, locale: str, dark: bool
) -> None:
    keeper = phones(javascript=True, dark=dark, locale=locale)
    register(keeper)
    problems = []

    def look(path: str, name: str) -> None:
        keeper.open(path)
        nonlocal problems
        problems += found(keeper.page, name)
        keeper.shoot(name)

    stick, backups.stick = backups.stick, None
    look("/backup", "none")
    backups.stick = stick
    backups.ask("make", passphrase=PASSPHRASE)
    look("/backup", "working")
    wait(backups)
    look("/backup", "done")
    [name] = [each.name for each in backups.ask("look").backups]
    backups.done("check", name=name, passphrase="goats that are not there")
    look("/backup", "failed")
    backups.done("check", name=name, passphrase=PASSPHRASE)
    look("/backup", "checked")
    look("/logs", "logs")
    assert problems == []
