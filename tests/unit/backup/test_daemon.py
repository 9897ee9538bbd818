# SPDX-License-Identifier: Apache-2.0
"""A backup on a stick, and a device made of it."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.backup import contents, sealing, switch
from mokanda_firmware.backup.sticks import UsbStick
from mokanda_firmware.bus.requests import RequestError
from mokanda_firmware.bus.states import BackupState
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.store.database import Store
from tests.unit.backup.conftest import (
    PASSPHRASE,
    Backups,
    FolderStick,
    MakeStick,
    drafts,
    write_draft,
)


def the_backup(device: Path) -> Path:
    [path] = (device / "stick").iterdir()
    return path


def test_without_a_stick_it_says_so(backups: Backups) -> None:
    backups.stick = None
    assert backups.ask("look").stick is None
    with pytest.raises(RequestError, match="no stick in the device"):
        backups.ask("make", passphrase=PASSPHRASE)


def test_a_backup_is_written_and_listed_with_its_village(backups: Backups, device: Path) -> None:
    told = backups.done("make", passphrase=PASSPHRASE)
    assert told.state is BackupState.DONE, told.detail
    [listed] = told.backups
    assert listed.village == "Bôende sur Tshuapa"
    assert listed.name.startswith("mokanda-boende-sur-tshuapa-20")
    assert the_backup(device).name == listed.name
    assert listed.size > told.needed > 7000
    assert not list(paths.restore().iterdir())  # the copy of the store is gone


@pytest.mark.parametrize("does", ["#!/bin/sh\necho gpg: raw words >&2\nexit 2\n", "no program"])
def test_a_gnupg_that_does_not_work_is_told_in_plain_words(
    backups: Backups,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    does: str,
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gpg").write_text(does)
    (tmp_path / "bin" / "gpg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    told = backups.done("make", passphrase=PASSPHRASE)
    assert told.state is BackupState.FAILED
    assert str(told.detail).startswith("The device cannot encrypt or decrypt a backup now.")
    assert "GnuPG failed: gpg: raw words" in caplog.text or "GnuPG does not run" in caplog.text


def test_anybody_with_the_passphrase_and_gnupg_can_read_it(backups: Backups, device: Path) -> None:
    backups.done("make", passphrase=PASSPHRASE)
    content = the_backup(device).read_bytes().split(b"\n", 2)[2]
    home = device / "gnupg"
    home.mkdir(mode=0o700)
    command = f"gpg --homedir {home} --batch --pinentry-mode loopback --passphrase-fd 0 -d"
    (device / "message").write_bytes(content)
    opened = subprocess.run(
        [*command.split(), str(device / "message")],
        input=PASSPHRASE.encode(),
        check=True,
        capture_output=True,
    ).stdout
    listing = subprocess.run(["tar", "t"], input=opened, check=True, capture_output=True).stdout
    names = listing.decode().split()
    assert names[:2] == ["manifest.json", "mail.db"]
    assert names[-1] == "end.json"
    assert {"claim.toml", "keys/pubring.kbx", "keys/private-keys-v1.d/ABCD.key"} < set(names)
    assert sum(name.startswith("attachments/") for name in names) == 1
    assert "bundles" not in listing.decode()


def test_nothing_of_it_can_be_read_without(backups: Backups, device: Path) -> None:
    backups.done("make", passphrase=PASSPHRASE)
    content = the_backup(device).read_bytes()
    assert not any(secret in content for secret in (b"goats", b"a photo", b"secret", b"SQLite"))


def test_what_a_power_cut_left_is_cleaned(backups: Backups, device: Path) -> None:
    (device / "stick" / "mokanda-boende-2026-01-01-0000.part").write_bytes(b"half")
    (device / "stick" / "photo.jpg").write_bytes(b"not ours")
    backups.done("make", passphrase=PASSPHRASE)
    names = sorted(path.suffix for path in (device / "stick").iterdir())
    assert names == [".backup", ".jpg"]


def test_a_short_passphrase_is_refused(backups: Backups) -> None:
    with pytest.raises(RequestError, match="10 characters"):
        backups.ask("make", passphrase="goat")


def test_what_is_in_a_backup_is_shown_before_anything_is_touched(
    backups: Backups, device: Path
) -> None:
    backups.done("make", passphrase=PASSPHRASE)
    write_draft("newer")
    told = backups.done("check", name=the_backup(device).name, passphrase=PASSPHRASE)
    assert told.state is BackupState.CHECKED, told.detail
    assert told.found is not None
    assert (told.found.accounts, told.found.village) == (1, "Bôende sur Tshuapa")
    assert drafts() == ["goats", "newer"]
    assert backups.ask("cancel").state is BackupState.IDLE
    assert not switch.unpacked().exists()


def test_a_restore_takes_effect_at_the_next_start_and_can_be_undone(
    backups: Backups, device: Path
) -> None:
    backups.done("make", passphrase=PASSPHRASE)
    write_draft("newer")
    backups.done("check", name=the_backup(device).name, passphrase=PASSPHRASE)
    assert backups.ask("restore", who="awa").state is BackupState.RESTARTING
    assert backups.restarts == 1
    assert drafts() == ["goats", "newer"]
    switch.switch()
    assert drafts() == ["goats"]
    [photo] = paths.attachments().glob("??/*")
    assert photo.read_bytes() == b"a photo" * 1000
    assert (paths.keys() / "private-keys-v1.d" / "ABCD.key").read_bytes() == b"secret"
    assert paths.keys().stat().st_mode & 0o777 == 0o700
    assert paths.claim().read_text() == "code"
    assert not paths.bundles().exists()
    store = Store.of_device()
    assert [(act.actor, act.action) for act in audit.acts(store)] == [("awa", "restore")]
    store.close()

    assert backups.ask("look").before
    backups.ask("go-back")
    switch.switch()
    assert drafts() == ["goats", "newer"]
    backups.ask("forget")
    assert not list(paths.restore().glob("before-*"))


def write_version_1(stick: Path) -> Path:
    """Write a backup as the first version of its format was."""
    database = stick.with_name("copy.db")
    contents.snapshot(database)
    store = database.read_bytes()
    made = {"made": 1_767_225_600, "village": "Boende", "octets": len(store)}
    names = {"domain": "boende.example", "software": "1.0.0", "accounts": 1, "letters": 0}
    digests = {"mail.db": hashlib.sha256(store).hexdigest()}
    members = {
        "manifest.json": json.dumps(made | names).encode(),
        "mail.db": store,
        "end.json": json.dumps({"files": 1, "sha256": digests}).encode(),
    }
    path = stick / "mokanda-boende-2026-01-01-0000.backup"
    with path.open("wb") as file:
        file.write(b"MOKANDA BACKUP 1\n" + json.dumps(made).encode() + b"\n")
        file.flush()
        with (
            sealing.sealed(file, PASSPHRASE) as pipe,
            tarfile.open(fileobj=pipe, mode="w|") as tar,
        ):
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def test_a_backup_of_the_first_version_is_restored(backups: Backups, device: Path) -> None:
    backup = write_version_1(device / "stick")
    write_draft("newer")
    [listed] = backups.ask("look").backups
    assert listed.village == "Boende"
    view = backups.done("check", name=backup.name, passphrase=PASSPHRASE)
    assert view.state is BackupState.CHECKED, view.detail
    backups.ask("restore")
    switch.switch()
    assert drafts() == ["goats"]


def test_a_wrong_passphrase_says_so_and_touches_nothing(backups: Backups, device: Path) -> None:
    backups.done("make", passphrase=PASSPHRASE)
    told = backups.done("check", name=the_backup(device).name, passphrase="four sheep at home")
    assert (told.state, str(told.detail)) == (
        BackupState.FAILED,
        "This is not the passphrase of this backup.",
    )
    assert not switch.unpacked().exists()
    with pytest.raises(RequestError, match="choose a backup"):
        backups.ask("restore")


def test_a_damaged_backup_is_refused(backups: Backups, device: Path) -> None:
    backups.done("make", passphrase=PASSPHRASE)
    path = the_backup(device)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    told = backups.done("check", name=path.name, passphrase=PASSPHRASE)
    assert str(told.detail) == "This backup is damaged. Please take another one."
    assert not switch.unpacked().exists()


def test_a_backup_of_a_later_version_says_what_to_do(backups: Backups, device: Path) -> None:
    backups.done("make", passphrase=PASSPHRASE)
    path = the_backup(device)
    path.write_bytes(path.read_bytes().replace(b"BACKUP 2", b"BACKUP 3", 1))
    told = backups.done("check", name=path.name, passphrase=PASSPHRASE)
    assert "update this device first" in str(told.detail)


@pytest.mark.parametrize("name", ["../data/mail.db", "mokanda-../x.backup", "notes.txt", ""])
def test_other_files_are_not_touched(backups: Backups, name: str) -> None:
    with pytest.raises(RequestError, match="not a backup"):
        backups.ask("check", name=name, passphrase=PASSPHRASE)


@pytest.mark.parametrize("kind", ["vfat", "ext4"])
def test_a_real_stick_takes_a_backup(backups: Backups, image: MakeStick, kind: str) -> None:
    backups.stick = UsbStick(str(image(kind, 16)), kind, "")
    assert backups.ask("look").backups == ()
    told = backups.done("make", passphrase=PASSPHRASE)
    assert told.state is BackupState.DONE, told.detail
    assert len(told.backups) == 1
    assert not paths.stick().is_mount()


def test_a_full_stick_says_so_and_keeps_nothing_half_written(
    backups: Backups, image: MakeStick
) -> None:
    (paths.data() / "ballast").write_bytes(bytes(2 << 20))
    backups.stick = UsbStick(str(image("ext4", 1)), "ext4", "")
    told = backups.done("make", passphrase=PASSPHRASE)
    assert (told.state, str(told.detail)) == (
        BackupState.FAILED,
        "There is not enough room on the stick.",
    )
    assert told.backups == ()
    assert told.room > 100_000


def test_a_stick_of_another_kind_says_what_to_do(backups: Backups) -> None:
    backups.stick = UsbStick("/dev/null", "ntfs", "")
    assert "Format it as FAT or exFAT" in str(backups.ask("look").problem)


def test_a_stick_that_is_pulled_out_is_told_of(backups: Backups, device: Path) -> None:
    backups.stick = FolderStick(device / "gone")
    told = backups.done("make", passphrase=PASSPHRASE)
    assert told.state is BackupState.FAILED
    assert "taken out" in str(told.detail)
