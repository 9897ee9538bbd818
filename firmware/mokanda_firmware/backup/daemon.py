# SPDX-License-Identifier: Apache-2.0
"""The backup daemon: looks at the stick when asked, and does one thing at a time.

systemd starts it at the first request; it ends by itself when nobody asks any more.
"""

import logging
import os
import re
import shutil
import sqlite3
import subprocess
import threading
import time
import unicodedata
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from io import FileIO
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.backup import MIN_PASSPHRASE, archive, contents, sealing, switch
from mokanda_firmware.backup.archive import Header, Manifest
from mokanda_firmware.backup.failures import NO_ROOM_HERE, BackupError, of_device, of_stick
from mokanda_firmware.backup.sticks import Stick
from mokanda_firmware.backup.view import Found, Listed, View
from mokanda_firmware.bus import records
from mokanda_firmware.bus.requests import Request, Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import BackupState
from mokanda_firmware.mailbox.store import database
from mokanda_wire.durable import sync_folder

RESERVE = 16 << 20  # bytes that restoring leaves free for the mail that goes on meanwhile

_SUFFIX = ".backup"
_UNFINISHED = "mokanda-*.part"
_NAME = re.compile(r"mokanda-[A-Za-z0-9-]+\.backup")
_MAX_LISTED = 50
_MAX_NAME, _MAX_PASSPHRASE = 200, 1000  # characters
_IDLE = 15 * 60.0  # seconds without a request after which the daemon ends
_UNTIL_RESTART = 8.0  # seconds

_log = logging.getLogger(__name__)


class Daemon:
    """Serves requests as long as there are any."""

    def __init__(
        self,
        requests: Requests,
        find: Callable[[], Stick | None],
        restart: Callable[[], None],
        idle: float = _IDLE,
    ) -> None:
        self._requests = requests
        self._find = find
        self._restart = restart
        self.idle = idle
        self._work: threading.Thread | None = None
        self._state = BackupState.IDLE
        self._detail: Sentence | None = None
        self._progress: float | None = None
        self._found: Found | None = None  # what was checked

    def run(self) -> None:
        """Serve until nothing happens any more."""
        _clean()
        switch.forget_old()
        while True:
            request = self._requests.receive(self.idle)
            if request is not None:
                self._answer(request)
            elif not self._working:
                break
        switch.clean()

    @property
    def _working(self) -> bool:
        return self._work is not None and self._work.is_alive()

    def _answer(self, request: Request) -> None:
        try:
            request.carry_out(
                {
                    "look": self._show,
                    "make": partial(self._obey, self._make),
                    "check": partial(self._obey, self._check),
                    "restore": partial(self._obey, self._confirm),
                    "anew": partial(self._obey, self._begin_anew),
                    "cancel": partial(self._obey, self._cancel),
                    "go-back": partial(self._obey, self._go_back),
                    "forget": partial(self._obey, self._forget),
                }
            )
        except OSError as error:
            request.fail(of_device(error).sentence)

    def _obey(self, act: Callable[[Request], None], request: Request) -> None:
        """Do one thing, unless another is being done, and show how things stand then."""
        if self._working or switch.is_ready():
            raise BackupError(Sentence("Please wait until the work on the stick is done."))
        act(request)
        self._show(request)

    def _show(self, request: Request) -> None:
        request.reply(**records.dump(self._look()))

    def _look(self) -> View:
        """Say what there is and how far the work is; a stick is let alone while it works."""
        before = switch.before()
        state = BackupState.WORKING if self._working else self._state
        view = View(
            BackupState.RESTARTING if switch.is_ready() else state,
            detail=self._detail,
            progress=self._progress,
            found=self._found,
            before=None if before is None else int(before.stat().st_ctime),
        )
        stick = None if self._working else self._find()
        if stick is None:
            return view
        view = view._replace(stick=stick.name, needed=contents.estimate())
        try:
            with stick.mounted(writable=False) as folder:
                room = shutil.disk_usage(folder).free
                return view._replace(room=room, backups=tuple(_backups(folder)))
        except OSError as error:
            return view._replace(problem=of_stick(error).sentence)
        except BackupError as error:
            return view._replace(problem=error.sentence)

    def _stick(self) -> Stick:
        stick = self._find()
        if stick is None:
            raise BackupError(Sentence("There is no stick in the device."))
        return stick

    def _make(self, request: Request) -> None:
        passphrase = request.text("passphrase", _MAX_PASSPHRASE)
        if len(passphrase) < MIN_PASSPHRASE:
            raise BackupError(
                Sentence("The passphrase needs {count} characters or more.", count=MIN_PASSPHRASE)
            )
        stick = self._stick()
        self._start(lambda: self._back_up(stick, passphrase))

    def _check(self, request: Request) -> None:
        name = request.text("name", _MAX_NAME)
        if not _NAME.fullmatch(name):
            raise BackupError(Sentence("This file is not a backup of a Mokanda device."))
        stick = self._stick()
        passphrase = request.text("passphrase", _MAX_PASSPHRASE)
        self._start(lambda: self._unpack(stick, name, passphrase))

    def _confirm(self, request: Request) -> None:
        if self._state is not BackupState.CHECKED:
            raise BackupError(Sentence("Please choose a backup first."))
        _write_down(switch.unpacked() / archive.DATABASE, request.text("who", _MAX_NAME))
        switch.confirm()
        _log.warning("restoring a backup: restarting")
        self._restart()

    def _cancel(self, _: Request) -> None:
        switch.clean()
        self._state, self._detail, self._found = BackupState.IDLE, None, None

    def _begin_anew(self, _: Request) -> None:
        contents.copy_identity(switch.new())
        switch.confirm()
        _log.warning("beginning anew: restarting")
        self._restart()

    def _go_back(self, _: Request) -> None:
        if switch.before() is None:
            raise BackupError(Sentence("There is nothing to go back to."))
        switch.clean()
        switch.go_back()
        _log.warning("going back to before the last restore: restarting")
        self._restart()

    def _forget(self, _: Request) -> None:
        switch.forget()

    def _start(self, work: Callable[[], None]) -> None:
        switch.clean()
        self._state, self._detail, self._progress, self._found = (
            BackupState.WORKING,
            None,
            0.0,
            None,
        )
        self._work = threading.Thread(target=self._do, args=(work,), daemon=True)
        self._work.start()

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BackupError as error:
            _log.warning("%s", error)
            self._fail(error.sentence)
        except Exception:  # noqa: BLE001 - nobody else would tell the keeper
            _log.exception("the work on a backup failed")
            self._fail(Sentence("It did not work, for a reason that is in the log."))
        finally:
            self._progress = None

    def _fail(self, sentence: Sentence) -> None:
        _clean()
        switch.clean()
        self._state, self._detail = BackupState.FAILED, sentence

    def _back_up(self, stick: Stick, passphrase: str) -> None:
        """Write a backup under another name, read it back, and give it its name."""
        _log.info("a backup begins")
        copy = _copy_of_store()
        try:
            files = contents.sources(copy)
            manifest = contents.describe(copy, files)
            name = _name(manifest)
            with stick.mounted(writable=True) as folder:
                for unfinished in folder.glob(_UNFINISHED):
                    unfinished.unlink()
                temporary = folder / f"{name}.part"
                try:
                    self._write(temporary, manifest, files, passphrase)
                    self._read_back(temporary, passphrase)
                    temporary.replace(folder / f"{name}{_SUFFIX}")
                    sync_folder(folder)
                except BaseException:
                    temporary.unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise of_stick(error) from error
        finally:
            copy.unlink(missing_ok=True)
        _log.info("a backup of %d bytes is made", manifest.bytes)
        self._state = BackupState.DONE
        self._detail = Sentence(
            "The backup {name} is written and was read back. You may take the stick out now.",
            name=f"{name}{_SUFFIX}",
        )

    def _write(
        self, path: Path, manifest: Manifest, files: list[archive.Source], passphrase: str
    ) -> None:
        progress = self._counter(manifest.bytes, 0.0, 0.5)
        with path.open("wb") as file:
            archive.write_header(file, Header(manifest.made, manifest.village, manifest.bytes))
            with sealing.sealed(file, passphrase) as pipe:
                archive.write(pipe, manifest, files, progress)
            os.fsync(file.fileno())
            # What is read back shall come from the stick.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _read_back(self, path: Path, passphrase: str) -> None:
        with _for_gnupg(path) as file:
            size = archive.read_header(file).bytes
            with sealing.opened(file, passphrase) as pipe:
                archive.check(pipe, size, self._counter(size, 0.5, 1.0))

    def _unpack(self, stick: Stick, name: str, passphrase: str) -> None:
        """Unpack a backup beside the data and check all of it."""
        _log.info("a backup is checked")
        try:
            with stick.mounted(writable=False) as folder, _for_gnupg(folder / name) as file:
                header = archive.read_header(file)
                if header.bytes + RESERVE > shutil.disk_usage(paths.data()).free:
                    raise BackupError(NO_ROOM_HERE)
                target = switch.new()
                with sealing.opened(file, passphrase) as pipe:
                    progress = self._counter(header.bytes, 0.0, 1.0)
                    found = archive.unpack(pipe, target, header.bytes, progress)
        except OSError as error:
            raise of_stick(error) from error
        archive.check_store(target / archive.DATABASE, database.newest_version())
        self._found = Found(
            found.made,
            found.village,
            found.domain,
            found.accounts,
            found.letters,
            found.bytes,
        )
        self._state = BackupState.CHECKED

    def _counter(self, size: int, start: float, end: float) -> archive.Progress:
        done = 0

        def count(read: int) -> None:
            nonlocal done
            done += read
            self._progress = start + (end - start) * min(done / max(size, 1), 1.0)

        return count


def restart() -> None:
    """Restart the board when the phone that asked for it has had time to fetch its page."""
    threading.Timer(_UNTIL_RESTART, _reboot).start()


def _reboot() -> None:
    subprocess.run(["systemctl", "reboot"], check=False)  # else at the next power cut


def _for_gnupg(path: Path) -> FileIO:
    """Open a file to read its header and leave the rest to GnuPG: nothing of it is read ahead."""
    return path.open("rb", buffering=0)


def _copy_of_store() -> Path:
    copy = paths.restore() / archive.DATABASE
    try:
        if contents.size_of_store() + RESERVE > shutil.disk_usage(paths.data()).free:
            raise BackupError(NO_ROOM_HERE)
        contents.snapshot(copy)
    except OSError as error:
        raise of_device(error) from error
    except sqlite3.Error as error:
        raise BackupError(
            Sentence("The device's memory does not work ({why}).", why=str(error))
        ) from error
    return copy


def _write_down(database: Path, who: str) -> None:
    """Note in a restored store that it was restored; one from before there were notes has none."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "INSERT INTO audit (at, actor, action, subject) VALUES (?, ?, 'restore', '')",
            (int(time.time()), who),
        )
        connection.commit()


def _clean() -> None:
    """Delete what a power cut has left."""
    for path in paths.restore().glob(f"{archive.DATABASE}*"):
        path.unlink()
    switch.clean()


def _backups(folder: Path) -> list[Listed]:
    """Describe the backups on a stick, the latest first."""
    found: list[Listed] = []
    for path in folder.glob(f"mokanda-*{_SUFFIX}"):
        try:
            with path.open("rb") as file:
                header = archive.read_header(file)
            size = path.stat().st_size
        except (OSError, BackupError):
            continue
        if _NAME.fullmatch(path.name):
            found.append(Listed(path.name, header.made, header.village[:100], size))
    return sorted(found, key=lambda each: each.made, reverse=True)[:_MAX_LISTED]


def _name(manifest: Manifest) -> str:
    """Name a backup in letters that every file system takes."""
    plain = unicodedata.normalize("NFKD", manifest.village).encode("ascii", "ignore").decode()
    village = re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")[:40] or "village"
    return f"mokanda-{village}-{datetime.fromtimestamp(manifest.made, UTC):%Y-%m-%d-%H%M}"
