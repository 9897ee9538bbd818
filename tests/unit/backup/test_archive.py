# SPDX-License-Identifier: Apache-2.0
"""The format of a backup: whatever is damaged in it is found, and nothing else is touched."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mokanda_firmware.backup import archive
from mokanda_firmware.backup.archive import Header, Manifest, Source
from mokanda_firmware.backup.failures import BackupError

MANIFEST = Manifest(1_795_433_019, "Boende", "boende.example", "1.0.0", 3, 40, 4000)
PHOTO = b"a photo" * 100
DIGEST = hashlib.sha256(PHOTO).hexdigest()


def written(folder: Path) -> bytes:
    """A small backup's archive."""
    files = {"mail.db": b"letters" * 200, "claim.toml": b"code", "keys/pubring.kbx": b"key"}
    sources = []
    for number, (name, content) in enumerate([*files.items(), ("photo", PHOTO)]):
        path = folder / str(number)
        path.write_bytes(content)
        name = f"attachments/{DIGEST[:2]}/{DIGEST}" if name == "photo" else name
        sources.append(Source(name, path))
    output = io.BytesIO()
    archive.write(output, MANIFEST, sources, lambda _: None)
    return output.getvalue()


with tempfile.TemporaryDirectory() as scratch:
    ARCHIVE = written(Path(scratch))


def unpack(content: bytes, folder: Path) -> Manifest:
    return archive.unpack(io.BytesIO(content), folder, 4000, lambda _: None)


def check(content: bytes) -> Manifest:
    return archive.check(io.BytesIO(content), 4000, lambda _: None)


def test_what_was_written_is_unpacked(tmp_path: Path) -> None:
    assert unpack(ARCHIVE, tmp_path) == MANIFEST
    assert (tmp_path / "mail.db").read_bytes() == b"letters" * 200
    assert (tmp_path / "attachments" / DIGEST[:2] / DIGEST).read_bytes() == PHOTO
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_gone_meanwhile_does_not_stop_a_backup(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"letters")
    output = io.BytesIO()
    files = [Source("mail.db", tmp_path / "here"), Source("claim.toml", tmp_path / "gone")]
    archive.write(output, MANIFEST, files, lambda _: None)
    assert check(output.getvalue()) == MANIFEST


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(ARCHIVE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found_or_of_no_matter(place: int, change: int) -> None:
    damaged = bytearray(ARCHIVE)
    damaged[place] ^= change
    with tempfile.TemporaryDirectory() as folder:
        try:
            manifest = unpack(bytes(damaged), Path(folder))
        except BackupError:
            return
        # The manifest is no more than a description, and padding is nothing.
        assert type(manifest) is Manifest
        assert (Path(folder) / "mail.db").read_bytes() == b"letters" * 200
        assert (Path(folder) / "claim.toml").read_bytes() == b"code"


@given(st.integers(0, len(ARCHIVE.rstrip(b"\0")) - 1))
def test_a_part_of_a_backup_is_none(size: int) -> None:
    with pytest.raises(BackupError):
        check(ARCHIVE[:size])


@given(st.binary(max_size=2000))
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(BackupError):
        check(content)
    with pytest.raises(BackupError):
        archive.read_header(io.BytesIO(content))


def test_a_header_tells_what_anybody_may_know() -> None:
    file = io.BytesIO()
    archive.write_header(file, Header(7, "Bôende", 4000))
    file.write(b"sealed")
    file.seek(0)
    assert archive.read_header(file) == Header(7, "Bôende", 4000)
    assert file.read() == b"sealed"


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists), st.binary(max_size=200))
def test_a_header_of_something_else_is_refused(told: object, rest: bytes) -> None:
    line = json.dumps(told).encode()
    with pytest.raises(BackupError):
        archive.read_header(io.BytesIO(b"MOKANDA BACKUP 1\n" + line + b"\n" + rest))


Change = Callable[[tarfile.TarInfo], tarfile.TarInfo]


def changed(name: str, change: Change, *, twice: bool = False) -> bytes:
    """The archive with one of its members changed, its hashes made to fit."""
    output = io.BytesIO()
    digests: dict[str, str] = {}
    with (
        tarfile.open(fileobj=io.BytesIO(ARCHIVE)) as old,
        tarfile.open(fileobj=output, mode="w|") as new,
    ):
        count = 0
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            content = file.read()
            if member.name == "end.json":
                content = json.dumps({"files": count, "sha256": digests}).encode()
                member = replace_size(member, len(content))
            elif member.name == name:
                member = change(member)
            for _ in range(2 if twice and member.name == name else 1):
                new.addfile(member, io.BytesIO(content) if member.isreg() else None)
                if member.name not in {"manifest.json", "end.json"}:
                    count += 1
                    if not member.name.startswith("attachments/"):
                        digests[member.name] = hashlib.sha256(content).hexdigest()
    return output.getvalue()


def replace_size(member: tarfile.TarInfo, size: int) -> tarfile.TarInfo:
    member.size = size
    return member


def named(name: str) -> Change:
    def change(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.name = name
        return member

    return change


def of_type(kind: bytes) -> Change:
    def change(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.type, member.linkname, member.size = kind, "/etc/passwd", 0
        return member

    return change


def test_an_archive_made_to_fit_is_taken(tmp_path: Path) -> None:
    assert unpack(changed("claim.toml", lambda member: member), tmp_path) == MANIFEST


@pytest.mark.parametrize(
    "name",
    [
        *("../claim.toml", "/etc/claim.toml", "keys/../../claim.toml", ".hidden", "keys/"),
        *("attachments/claim.toml", "attachments/aa/" + "b" * 64, "a/b", "claim\n.toml", ""),
    ],
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "new").mkdir()
    with pytest.raises(BackupError):
        unpack(changed("claim.toml", named(name)), tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_nothing_but_plain_files_is_taken(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(BackupError):
        unpack(changed("claim.toml", of_type(kind)), tmp_path)


def test_no_file_is_written_twice(tmp_path: Path) -> None:
    with pytest.raises(BackupError):
        unpack(changed("claim.toml", lambda member: member, twice=True), tmp_path)


def test_more_than_was_announced_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(2 << 20))
    output = io.BytesIO()
    archive.write(output, replace(MANIFEST, bytes=1), [Source("mail.db", path)], lambda _: None)
    (tmp_path / "new").mkdir()
    with pytest.raises(BackupError):
        archive.unpack(io.BytesIO(output.getvalue()), tmp_path / "new", 1, lambda _: None)
    assert not (tmp_path / "new" / "mail.db").exists()


def test_a_store_that_is_none_or_newer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mail.db").write_bytes(b"letters" * 1000)
    with pytest.raises(BackupError, match="damaged"):
        archive.check_store(tmp_path / "mail.db", 8)


@pytest.mark.parametrize(("oldest_reader", "is_taken"), [(8, True), (9, False), (0, False)])
def test_a_newer_store_is_taken_if_it_is_open_to_this_version(
    tmp_path: Path, oldest_reader: int, is_taken: bool
) -> None:
    with sqlite3.connect(tmp_path / "mail.db") as connection:
        connection.execute("PRAGMA user_version = 10")
        connection.execute(f"PRAGMA application_id = {oldest_reader}")
    connection.close()
    if is_taken:
        archive.check_store(tmp_path / "mail.db", 8)
    else:
        with pytest.raises(BackupError, match="later version"):
            archive.check_store(tmp_path / "mail.db", 8)
