# SPDX-License-Identifier: Apache-2.0
import errno
import hashlib
import os
import resource
from pathlib import Path

import pytest

from mokanda_wire import durable
from mokanda_wire.durable import Written


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that holds something old."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def test_a_file_is_replaced_whole(path: Path) -> None:
    durable.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_it_has_the_mode_that_was_asked_for_less_the_mask(path: Path) -> None:
    durable.write(path, b"")
    assert path.stat().st_mode & 0o777 == 0o644
    durable.write(path, b"", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_beside_it(path: Path) -> None:
    with pytest.raises(KeyError), durable.unfinished(path.parent) as file:
        file.write(b"half of the ne")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_beside_it(path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError):
            durable.write(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_does_not_get_to_the_disk_leaves_the_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="No space"):
        durable.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    durable.write(tmp_path / "a" / "b" / "file", b"new")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"new"


def test_what_is_reserved_is_not_taken(path: Path) -> None:
    state = os.statvfs(path.parent)
    free = state.f_bavail * state.f_frsize
    with (
        pytest.raises(OSError) as error,
        durable.unfinished(path.parent, reserve=free + 1_000_000) as file,
    ):
        file.write(b"x")
    assert error.value.errno == errno.ENOSPC


def test_a_file_can_be_named_by_its_digest(tmp_path: Path) -> None:
    with durable.unfinished(tmp_path) as file:
        file.write(b"Mbote ")
        file.write(b"na yo")
        digest, size = file.digest, file.size
        file.keep(tmp_path / digest[:2] / digest)
    assert digest == hashlib.sha256(b"Mbote na yo").hexdigest()
    assert (tmp_path / digest[:2] / digest).read_bytes() == b"Mbote na yo"
    assert size == 11


def test_file_and_names_are_on_the_disk_before_it_is_said_to_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def sync(descriptor: int) -> None:
        synced = Path(f"/proc/self/fd/{descriptor}").readlink()
        name = str(synced.relative_to(tmp_path))
        steps.append("content" if durable.UNFINISHED in name else f"names in {name}")

    replace = Path.replace

    def renaming(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", renaming)
    with durable.unfinished(tmp_path) as file:
        file.keep(tmp_path / "ab" / "file")
    assert steps == ["content", "names in .", "rename", "names in ab"]


def test_a_file_that_was_written_again_is_not_deleted(path: Path) -> None:
    seen = Written.at(path)
    durable.write(path, b"new")
    assert not seen.delete()
    assert path.read_bytes() == b"new"
    assert Written.at(path).delete()
    assert not path.exists()


def test_a_file_that_is_gone_already_is_not_deleted(path: Path) -> None:
    seen = Written.at(path)
    path.unlink()
    assert not seen.delete()
