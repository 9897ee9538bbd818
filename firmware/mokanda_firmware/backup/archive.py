# SPDX-License-Identifier: Apache-2.0
"""The format of a backup, version 2.

    MOKANDA BACKUP 2                 ASCII, a line feed
    {"made": ..., "bytes": ...}      a line of JSON, for whoever has no passphrase
    ...                              an OpenPGP message (mokanda_firmware.backup.sealing)

In the message is a tar archive: `manifest.json`, the files by their names in the device's data
folder, `end.json`. An attachment is named by its SHA-256, those of all others are in `end.json`,
with the number of files. What is missing or changed is found by its reader, whoever wrote it.

In version 1, which is read as well, "bytes" was called "octets".
"""

import hashlib
import io
import json
import os
import re
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, TypeVar

from mokanda_firmware.backup.failures import DAMAGED, BackupError, of_device
from mokanda_firmware.bus.sentences import Sentence

VERSION = 2
DATABASE = "mail.db"

_MAGIC = b"MOKANDA BACKUP "
_MAX_HEADER = 4096  # bytes
_MAX_JSON = 1 << 20  # bytes
_CHUNK = 1 << 16
_SLACK = 1 << 20  # bytes by which small files may have grown while it was made
_FORMER_NAMES = {"bytes": "octets"}  # in version 1
_NO_NUMBER = 1 << 40  # more than any time or size in a backup
_MANIFEST, _END = "manifest.json", "end.json"
_ATTACHMENT = re.compile(r"attachments/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_PLAIN = re.compile(
    r"(keys/(private-keys-v1\.d/|openpgp-revocs\.d/)?)?[A-Za-z0-9_][A-Za-z0-9_.~-]*"
)

# What reading something else than a backup ends in.
_DAMAGE = (
    *(tarfile.TarError, EOFError, KeyError, OverflowError, RecursionError, TypeError),
    *(ValueError, zlib.error),
)

T = TypeVar("T", bound="_Record")
Progress = Callable[[int], None]  # called with bytes, as they are read or written


class _Record:
    """A dataclass that is written as a JSON object; a reader skips what it does not know."""

    @classmethod
    def load(cls: type[T], content: object) -> T:
        """Read it; raises KeyError, TypeError or ValueError."""
        if not isinstance(content, dict):
            raise TypeError
        values = {}
        for field in fields(cls):  # type: ignore[arg-type]
            name = field.name
            value = content[name if name in content else _FORMER_NAMES.get(name, name)]
            if type(value) is not field.type:
                raise TypeError
            if isinstance(value, int) and not 0 <= value < _NO_NUMBER:
                raise ValueError
            values[field.name] = value
        return cls(**values)

    def dump(self) -> bytes:
        """Write it in one line."""
        return json.dumps(asdict(self)).encode()  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class Header(_Record):
    """What anybody may read: when it was made (seconds since 1970), where, and how large it is."""

    made: int
    village: str
    bytes: int  # of all files in it


@dataclass(frozen=True, slots=True)
class Manifest(_Record):
    """What is in a backup."""

    made: int  # seconds since 1970
    village: str
    domain: str
    software: str  # the version that made it
    accounts: int
    letters: int
    bytes: int


class Source(NamedTuple):
    """A file to be backed up, and its name in the device's data folder."""

    name: str
    path: Path


def write_header(file: BinaryIO, header: Header) -> None:
    """Begin a backup."""
    file.write(_MAGIC + b"%d\n" % VERSION + header.dump() + b"\n")
    file.flush()


def read_header(file: BinaryIO) -> Header:
    """Read what anybody may; the file stands at its message then.

    Raises:
        BackupError: it is no backup, a damaged one, or of a later version.
    """
    first = file.readline(_MAX_HEADER)
    if not first.startswith(_MAGIC) or not first.removeprefix(_MAGIC).strip().isdigit():
        raise BackupError(Sentence("This file is not a backup of a Mokanda device."))
    if int(first.removeprefix(_MAGIC)) > VERSION:
        raise BackupError(
            Sentence(
                "This backup is of a later version of Mokanda. Please update this device first."
            )
        )
    try:
        return Header.load(json.loads(file.readline(_MAX_HEADER)))
    except (ValueError, TypeError, KeyError) as error:
        raise BackupError(DAMAGED) from error


def write(
    pipe: IO[bytes], manifest: Manifest, sources: Iterable[Source], progress: Progress
) -> None:
    """Write the archive: files that are gone meanwhile, as they may, are not in it."""
    digests: dict[str, str] = {}
    count = 0
    with tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, _MANIFEST, manifest.dump())
        for source in sources:
            try:
                file = source.path.open("rb")
            except FileNotFoundError:
                continue
            with file:
                reader = _Hashing(file, progress)
                tar.addfile(_member(source.name, os.fstat(file.fileno())), reader)
            count += 1
            if not _ATTACHMENT.fullmatch(source.name):
                digests[source.name] = reader.hexdigest()
        _add(tar, _END, json.dumps({"files": count, "sha256": digests}).encode())


def unpack(pipe: IO[bytes], folder: Path, size: int, progress: Progress) -> Manifest:
    """Unpack an archive of about `size` bytes into an empty folder, and check all of it.

    Raises:
        BackupError: it is damaged, or there is no room.
    """
    return _read(pipe, size, progress, partial(_extract, folder))


def check(pipe: IO[bytes], size: int, progress: Progress) -> Manifest:
    """Check all of an archive; raises as `unpack`."""
    return _read(pipe, size, progress, _pass_over)


def _read(
    pipe: IO[bytes],
    size: int,
    progress: Progress,
    take: "Callable[[tarfile.TarInfo, _Hashing], None]",
) -> Manifest:
    digests: dict[str, str] = {}
    manifest: Manifest | None = None
    end: object = None
    left = size + _SLACK
    count = 0
    try:
        with tarfile.open(fileobj=pipe, mode="r|", errorlevel=2) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                attachment = _ATTACHMENT.fullmatch(member.name)
                if file is None or end is not None:
                    raise BackupError(DAMAGED)
                if manifest is None:
                    manifest = Manifest.load(_read_json(file) if member.name == _MANIFEST else None)
                elif member.name == _END:
                    end = _read_json(file)
                elif attachment or _PLAIN.fullmatch(member.name):
                    left -= member.size
                    if left < 0:
                        raise BackupError(DAMAGED)
                    content = _Hashing(file, progress)
                    take(member, content)
                    digest = content.hexdigest()
                    if attachment is None:
                        digests[member.name] = digest
                    elif digest != attachment[2]:
                        raise BackupError(DAMAGED)
                    count += 1
                else:
                    raise BackupError(DAMAGED)
    except _DAMAGE as error:
        raise BackupError(DAMAGED) from error
    if manifest is None or end != {"files": count, "sha256": digests} or DATABASE not in digests:
        raise BackupError(DAMAGED)
    return manifest


def check_store(database: Path, newest: int) -> None:
    """See that a mail store can be opened by software that knows its versions up to `newest`.

    Raises:
        BackupError: it cannot.
    """
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?immutable=1", uri=True)
        try:
            [version] = connection.execute("PRAGMA user_version").fetchone()
            [oldest_reader] = connection.execute("PRAGMA application_id").fetchone()
            [verdict] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise BackupError(DAMAGED) from error
    if version > newest and not 0 < oldest_reader <= newest:
        raise BackupError(
            Sentence(
                "This backup is of a later version of Mokanda. Please update this device first."
            )
        )
    if verdict != "ok" or version < 1:
        raise BackupError(DAMAGED)


class _Hashing:
    """Hashes what is read through it."""

    def __init__(self, file: Any, progress: Progress) -> None:  # noqa: ANN401 - of tarfile's kinds
        self._file = file
        self._progress = progress
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        self._hash.update(data)
        self._progress(len(data))
        return data

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _member(name: str, state: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = state.st_size, state.st_mode & 0o777
    member.uid, member.gid = state.st_uid, state.st_gid
    return member


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _read_json(file: Any) -> Any:  # noqa: ANN401
    return json.loads(file.read(_MAX_JSON))


def _pass_over(_: tarfile.TarInfo, content: _Hashing) -> None:
    while content.read(_CHUNK):
        pass


def _extract(folder: Path, member: tarfile.TarInfo, content: _Hashing) -> None:
    """Write a file, for the same user as before."""
    path = folder / member.name
    try:
        for parent in list(reversed(path.relative_to(folder).parents))[1:]:
            _make_folder(folder / parent, member)
        with path.open("xb") as file:
            while data := content.read(_CHUNK):
                file.write(data)
            os.fchmod(file.fileno(), member.mode & 0o770)
            if os.geteuid() == 0:
                os.fchown(file.fileno(), member.uid, member.gid)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise BackupError(DAMAGED) from error
    except OSError as error:
        raise of_device(error) from error


def _make_folder(path: Path, member: tarfile.TarInfo) -> None:
    """Make a folder: GnuPG's for its user alone, others for the group of the one they are in."""
    if path.exists():
        return
    path.mkdir()
    if member.name.startswith("keys/"):
        path.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(path, member.uid, member.gid)
    else:
        path.chmod(0o2770)
