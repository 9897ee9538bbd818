# SPDX-License-Identifier: Apache-2.0
"""scripts/publish: whole and verified releases go to a folder, here or by ssh, at once."""

import json
import shutil
from pathlib import Path

import pytest

from scripts.releases import signing_keys
from scripts.releases.image import Keys, RefusedError
from scripts.releases.publishing import Place, publish
from scripts.releases.release import SUMS, sign
from scripts.releases.verify import verify
from scripts.tools.digest import file_sha256
from scripts.tools.steps import Log, StepError

NAME = "mokanda-orangepi-zero-1.0.0"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    signing_keys.make(folder)
    return Keys(folder / "release.key.pem", folder / "release.cert.pem")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Path:
    """A release as scripts/release leaves it, as far as its manifest."""
    folder = tmp_path_factory.mktemp("made") / "1.0.0"
    folder.mkdir()
    (folder / f"{NAME}.raucb").write_bytes(b"an update")
    (folder / f"{NAME}.img.zst").write_bytes(b"a card")
    finish(folder, keys)
    return folder


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "build" / "1.0.0"))


def finish(folder: Path, keys: Keys) -> None:
    """Sign for what is there, and list it."""
    manifest = folder / f"{NAME}.json"
    files = [
        {"name": path.name, "sha256": file_sha256(path)}
        for path in sorted(folder.iterdir())
        if ".json" not in path.name and path.name != SUMS
    ]
    manifest.write_text(json.dumps({"files": files}))
    sign(manifest, keys, Log(folder.parent / "log"))
    listed = sorted(path for path in folder.iterdir() if path.name != SUMS)
    (folder / SUMS).write_text("".join(f"{file_sha256(path)}  {path.name}\n" for path in listed))


def copy(release: Path, keys: Keys, to: str, *, dry_run: bool = False) -> None:
    """Do what the command does."""
    files = verify(release, keys.certificate, Log(release.parent / "log"))
    publish(release, files, Place(to), dry_run=dry_run)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_release_gets_there_whole(release: Path, keys: Keys, tmp_path: Path) -> None:
    to = tmp_path / "web" / "my releases"
    copy(release, keys, str(to))
    assert [path.name for path in to.iterdir()] == ["1.0.0"]
    assert contents(to / "1.0.0") == contents(release)
    copy(release, keys, str(to))  # and again, which changes nothing


def test_a_dry_run_writes_nothing(
    release: Path, keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy(release, keys, str(tmp_path / "web"), dry_run=True)
    assert f"{NAME}.raucb" in capsys.readouterr().out
    assert not (tmp_path / "web").exists()


def test_a_copy_that_was_cut_goes_on_and_is_nobodys_until_it_is_whole(
    release: Path, keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "web" / ".1.0.0.part"
    part.mkdir(parents=True)
    shutil.copy(release / f"{NAME}.raucb", part)
    (part / f"{NAME}.img.zst").write_bytes(b"a c")
    (part / "of-another-try.delta").write_bytes(b"")
    copy(release, keys, str(tmp_path / "web"))
    assert "1 of 5 files are there" in capsys.readouterr().err
    assert contents(tmp_path / "web" / "1.0.0") == contents(release)


def test_another_release_of_the_same_version_is_not_replaced(
    release: Path, keys: Keys, tmp_path: Path
) -> None:
    copy(release, keys, str(tmp_path / "web"))
    (release / f"{NAME}.raucb").write_bytes(b"another update")
    finish(release, keys)
    with pytest.raises(RefusedError, match="raise the version"):
        copy(release, keys, str(tmp_path / "web"))
    assert (tmp_path / "web" / "1.0.0" / f"{NAME}.raucb").read_bytes() == b"an update"


def test_a_place_that_cannot_be_written_to_is_named(
    release: Path, keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "web").write_bytes(b"")
    with pytest.raises(StepError, match="cannot be written to"):
        copy(release, keys, str(tmp_path / "web"))


def test_by_ssh_the_same_is_done_there(
    release: Path, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    stand_in = programs / "ssh"
    # What ssh does: the words behind the host go to the shell there.
    stand_in.write_text('#!/bin/sh\ntest "$1 $2 $3" = "-oBatchMode=yes -- me@there" || exit 255\n'
                        'shift 3\nexec sh -c "$*"\n')  # fmt: skip
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    copy(release, keys, f"me@there:{tmp_path}/web")
    assert contents(tmp_path / "web" / "1.0.0") == contents(release)
    with pytest.raises(StepError, match="no reason given"):
        copy(release, keys, f"elsewhere:{tmp_path}/web")


class TestVerify:
    def refuse(self, release: Path, keys: Keys, why: str) -> None:
        with pytest.raises(RefusedError, match=why):
            verify(release, keys.certificate, Log(release.parent / "log"))

    def test_what_was_changed_is_refused(self, release: Path, keys: Keys) -> None:
        (release / f"{NAME}.raucb").write_bytes(b"another update")
        self.refuse(release, keys, "not as it was made")

    def test_what_is_missing_is_refused(self, release: Path, keys: Keys) -> None:
        (release / f"{NAME}.img.zst").unlink()
        self.refuse(release, keys, "is missing")

    def test_what_nobody_has_signed_for_is_refused(self, release: Path, keys: Keys) -> None:
        (release / "more.txt").write_text("more")
        self.refuse(release, keys, "is on no list")
        with (release / SUMS).open("a") as sums:
            sums.write(f"{file_sha256(release / 'more.txt')}  more.txt\n")
        self.refuse(release, keys, "named by no signed manifest")

    def test_a_manifest_that_was_changed_is_refused(self, release: Path, keys: Keys) -> None:
        manifest = release / f"{NAME}.json"
        manifest.write_text(manifest.read_text() + " ")
        self.refuse(release, keys, "is not signed")

    def test_one_that_others_have_signed_is_refused(
        self, release: Path, keys: Keys, tmp_path: Path
    ) -> None:
        signing_keys.make(tmp_path / "others")
        others = Keys(tmp_path / "others/release.key.pem", tmp_path / "others/release.cert.pem")
        finish(release, others)
        self.refuse(release, keys, "is not signed")

    def test_a_release_that_was_cut_in_the_making_is_refused(
        self, release: Path, keys: Keys
    ) -> None:
        (release / SUMS).unlink()
        self.refuse(release, keys, "no finished release")
