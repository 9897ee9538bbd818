# SPDX-License-Identifier: Apache-2.0
"""The pages of backups and the log, over the real daemon with a folder for a stick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from mokanda_firmware.backup import switch
from mokanda_firmware.bus.states import BackupState
from mokanda_firmware.mailbox.administration import audit
from scripts.tools.deadlines import wait_until
from tests.unit.backup.conftest import PASSPHRASE, Backups, FolderStick
from tests.unit.webmail.served_village import Phone, Village


@pytest.fixture
def backups(
    village: Village,  # noqa: ARG001 - it makes the store
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Backups]:
    (tmp_path / "stick").mkdir()
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))
    running = Backups(FolderStick(tmp_path / "stick"))
    yield running
    running.close()


class SlowStick(FolderStick):
    """A stick that lets nothing be written until it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.answers = Event()

    @contextmanager
    def mounted(self, *, writable: bool) -> Iterator[Path]:
        assert not writable or self.answers.wait(60)
        with super().mounted(writable=writable) as folder:
            yield folder


def press(phone: Phone, action: str, status: int = 303, **fields: str) -> str:
    """Fill in the form of the page that goes there, and press its button."""
    page = phone.get("/backup")
    form = next(form for form in page.forms.values() if form.action == action)
    for name, value in fields.items():
        form[name] = value
    return str(form.submit(status=status).text)


def wait(phone: Phone) -> str:
    """Wait until the work is done; what the page says then."""
    wait_until(lambda: "Refresh" not in phone.get("/backup").headers, "the work", seconds=60)
    return str(phone.get("/backup").html.main.get_text(" ", strip=True))


def make(keeper: Phone) -> str:
    press(keeper, "/backup/make", passphrase=PASSPHRASE, again=PASSPHRASE)
    return wait(keeper)


def test_the_keeper_makes_a_backup_and_is_told_when_the_stick_may_go(
    village: Village, backups: Backups
) -> None:
    keeper = village.villager("awa")
    assert "Size of a backup" in keeper.get("/backup").text
    assert "You may take the stick out now." in make(keeper)
    assert [act.action for act in audit.acts(village.store)] == ["backup"]
    assert "backup begun" in keeper.get("/villagers").text
    assert backups.ask("look").state is BackupState.DONE


def test_while_it_is_made_the_page_shows_how_far_it_is_and_asks_again(
    village: Village, backups: Backups, tmp_path: Path
) -> None:
    keeper = village.villager("awa")
    backups.stick = stick = SlowStick(tmp_path / "stick")
    press(keeper, "/backup/make", passphrase=PASSPHRASE, again=PASSPHRASE)
    page = keeper.get("/backup")
    assert page.headers["Refresh"] == "5"
    assert page.html.select_one("progress")
    stick.answers.set()
    wait(keeper)
    assert backups.ask("look").state is BackupState.DONE


@pytest.mark.usefixtures("backups")
def test_two_passphrases_that_differ_are_refused(village: Village) -> None:
    keeper = village.villager("awa")
    said = press(keeper, "/backup/make", 422, passphrase=PASSPHRASE, again=PASSPHRASE + "s")
    assert "The two passphrases are not the same." in said


def test_a_backup_is_restored_after_its_contents_were_shown(
    village: Village, backups: Backups
) -> None:
    keeper = village.villager("awa")
    make(keeper)
    press(keeper, "/backup/check", passphrase=PASSPHRASE)
    said = wait(keeper)
    assert "This is in the backup" in said
    assert "Accounts 1" in said
    press(keeper, "/backup/cancel")
    press(keeper, "/backup/check", passphrase=PASSPHRASE)
    wait(keeper)
    press(keeper, "/backup/restore", 422)
    press(keeper, "/backup/restore", sure="1")
    assert "The device starts anew" in keeper.get("/backup").text
    assert switch.is_ready()
    assert backups.restarts == 1


@pytest.mark.usefixtures("backups")
def test_a_wrong_passphrase_is_said_in_the_readers_language(village: Village) -> None:
    keeper = village.villager("awa")
    make(keeper)
    press(keeper, "/backup/check", passphrase="no goats at all")
    assert "This is not the passphrase of this backup." in wait(keeper)
    form = keeper.get("/backup").forms[len(keeper.get("/backup").forms) - 1]
    form.submit("language", value="fr")
    assert "pas la phrase secrète de cette sauvegarde" in keeper.get("/backup").text


def test_a_new_device_can_be_restored_before_it_has_a_keeper(
    village: Village, backups: Backups
) -> None:
    keeper = village.villager("awa")
    make(keeper)
    with village.store.transaction() as connection:
        connection.execute("DELETE FROM account")
        connection.execute("DELETE FROM setting")
    stranger = Village(village.store).phone()
    assert 'href="/backup"' in stranger.get("/").text
    page = stranger.get("/backup").text
    assert "Restore a backup" in page
    assert "/backup/make" not in page
    press(stranger, "/backup/check", passphrase=PASSPHRASE)
    assert "This is in the backup" in wait(stranger)
    press(stranger, "/backup/restore", sure="1")
    assert backups.restarts == 1


@pytest.mark.usefixtures("backups")
def test_nobody_else_gets_near_backups_and_log(village: Village) -> None:
    village.villager("awa")
    villager = village.villager("bako")
    for path in ("/backup", "/logs", "/logs.txt"):
        villager.get(path, status=403)
        assert village.phone().get(path, status=303).headers["Location"].endswith("/")


def test_without_its_daemon_the_page_says_so(village: Village) -> None:
    keeper = village.villager("awa")
    assert "does not answer now" in keeper.get("/backup").text


def journal_says(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    program = folder / "journalctl"
    line = (
        f'{{"__REALTIME_TIMESTAMP":"1795433019123456","PRIORITY":"4","MESSAGE":"{text}",'
        '"_SYSTEMD_UNIT":"mokanda-modem.service"}'
    )
    program.write_text(f"#!/bin/sh\necho '{line}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_log_is_shown_and_saved_without_what_is_somebodys(
    village: Village, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = village.villager("awa")
    journal_says(tmp_path, monkeypatch, "<b>IMSI 630011234567890</b> of awa@example.org")
    page = keeper.get("/logs?part=modem&grave=1")
    line = page.html.select_one(".log li")
    assert line.get_text(" ", strip=True).endswith("modem <b>IMSI …</b> of …@example.org")
    saved = keeper.get("/logs.txt?part=modem")
    assert saved.headers["Content-Disposition"].startswith('attachment; filename="mokanda-log-')
    assert "modem <4> <b>IMSI …</b> of …@example.org" in saved.text


def test_a_long_log_makes_no_heavy_page(
    village: Village, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = village.villager("awa")
    journal_says(tmp_path, monkeypatch, "x" * 400)
    program = tmp_path / "journalctl"
    program.write_text(program.read_text().replace("echo", "yes"))
    assert len(keeper.app.get("/logs").body) < 100_000


def test_without_a_journal_the_page_says_so(
    village: Village, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = village.villager("awa")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "The log cannot be read now." in keeper.get("/logs").text
