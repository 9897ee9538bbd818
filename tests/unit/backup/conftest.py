# SPDX-License-Identifier: Apache-2.0
"""A device with some mail, and sticks for it: folders, or as root real file systems."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.backup.daemon import Daemon
from mokanda_firmware.backup.sticks import Stick
from mokanda_firmware.backup.view import View
from mokanda_firmware.bus import records
from mokanda_firmware.bus.requests import Requests, UnavailableError, ask
from mokanda_firmware.bus.states import BackupState
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import set_setting
from scripts.tools.deadlines import wait_until
from tests.ready_made.mail_store import write_mail_store

TOOLBOX = Path(__file__).resolve().parents[3] / "scripts" / "toolbox"
PASSPHRASE = "four goats at the river"


@dataclass
class FolderStick:
    """A stick that needs no mount."""

    folder: Path
    name: str = "GOATS"
    writable: bool = False

    @contextmanager
    def mounted(self, *, writable: bool) -> Iterator[Path]:
        self.writable = writable
        yield self.folder


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders of a device with two letters, an attachment, keys and a claim."""
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    write_mail_store(paths.mail_database())
    store = Store.of_device()
    set_setting(store, "village", "Bôende sur Tshuapa")
    with store.incoming_attachment() as incoming:
        incoming.write(b"a photo" * 1000)
        photo = incoming.keep()
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO account (name, display_name, password, created)"
            " VALUES ('awa', 'Awa', '', 0)"
        )
        connection.execute(
            "INSERT INTO draft (account, fields, updated) VALUES (1, 'goats', 0)",
        )
        connection.execute(
            "INSERT INTO draft_attachment (draft, position, name, media_type, size, digest)"
            " VALUES (1, 0, 'photo.jpg', 'image/jpeg', 7000, ?)",
            (photo,),
        )
    store.close()
    (paths.keys() / "private-keys-v1.d").mkdir(parents=True)
    paths.keys().chmod(0o700)
    (paths.keys() / "private-keys-v1.d" / "ABCD.key").write_bytes(b"secret")
    (paths.keys() / "pubring.kbx").write_bytes(b"public")
    paths.claim().write_text("code")
    paths.bundles().mkdir()
    (paths.bundles() / "up-1-abc").write_bytes(b"in flight")
    return tmp_path


def drafts() -> list[str]:
    """What tells one state of the device from another."""
    store = Store.of_device()
    with store.reading() as connection:
        rows = [row["fields"] for row in connection.execute("SELECT fields FROM draft ORDER BY id")]
    store.close()
    return rows


def write_draft(text: str) -> None:
    store = Store.of_device()
    with store.transaction() as connection:
        connection.execute("INSERT INTO draft (account, fields, updated) VALUES (1, ?, 0)", (text,))
    store.close()


class Backups:
    """The daemon, and what a page asks of it."""

    def __init__(self, stick: Stick | None) -> None:
        self.stick = stick
        self.restarts = 0
        self._requests = Requests("backup")
        self._daemon = Daemon(self._requests, lambda: self.stick, self._restart, idle=600)
        self._thread = threading.Thread(target=self._daemon.run, daemon=True)
        self._thread.start()

    def _restart(self) -> None:
        self.restarts += 1

    def ask(self, verb: str, **arguments: str) -> View:
        return records.load(View, ask("backup", verb, timeout=60, **arguments))

    def done(self, verb: str, **arguments: str) -> View:
        """Ask for something, and wait for its end."""
        self.ask(verb, **arguments)
        wait_until(
            lambda: self.ask("look").state is not BackupState.WORKING, "the work", seconds=60
        )
        return self.ask("look")

    def close(self) -> None:
        self._daemon.idle = 0  # from the next request on, or from now if it has not waited yet
        with suppress(UnavailableError):
            ask("backup", "look", timeout=5)
        self._thread.join(60)
        self._requests.close()


@pytest.fixture
def backups(device: Path) -> Iterator[Backups]:
    (device / "stick").mkdir()
    running = Backups(FolderStick(device / "stick"))
    yield running
    running.close()


MakeStick = Callable[[str, int], Path]


@pytest.fixture
def image(tmp_path: Path) -> MakeStick:
    """Make images of sticks; their kind and size in MiB are told."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a stick")

    def make(kind: str, size: int) -> Path:
        if kind not in Path("/proc/filesystems").read_text().split():
            pytest.skip(f"this kernel does not know {kind}")
        path = tmp_path / f"{kind}.img"
        with path.open("wb") as file:
            file.truncate(size << 20)
        command = {"vfat": ["mkfs.vfat"], "ext4": ["mkfs.ext4", "-q", "-F"]}[kind]
        subprocess.run([str(TOOLBOX), *command, str(path)], check=True, stdout=subprocess.DEVNULL)
        place = tmp_path / "place"
        place.mkdir()
        if subprocess.run(["mount", "-o", "loop", str(path), str(place)], check=False).returncode:
            pytest.skip("images cannot be mounted here")
        subprocess.run(["umount", str(place)], check=True)
        return path

    return make
