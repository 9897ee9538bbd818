# SPDX-License-Identifier: Apache-2.0
"""Debian's packages from a small mirror of our own, through the real apt, as the mirror changes."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.engines.debian import archive as debian_archive
from scripts.engines.debian import packages
from scripts.engines.debian.archive import Archive
from scripts.engines.debian.lock import Lock, LockError
from scripts.engines.debian.renew_lock import resolve
from scripts.recipes import System, load
from scripts.tools.steps import Log, StepError
from tests.recipes import SOC, write
from tests.serving import serving

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt on this machine")

SPRING = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
SUMMER = datetime(2026, 7, 11, 9, 30, tzinfo=UTC)
SMALLER_SOC = SOC.replace('"arm64"', '"armhf"').replace("linux-image-arm64", "linux-image-armmp")
ARCHITECTURES = ("arm64", "armhf")
MAIN = {"trixie": "debian", "trixie-updates": "debian", "trixie-security": "debian-security"}


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and keeps the paths it was asked for."""

    asked: list[str]

    def log_message(self, *_: object) -> None:
        self.asked.append(self.path)


class Mirror:
    """A folder that is served as Debian's archive is, with what it was asked for."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder = folder
        self.key = key
        self.asked: list[str] = []
        handler = type("Handler", (Quiet,), {"asked": self.asked})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.stanzas: dict[tuple[str, str], list[str]] = {}
        self.sources = ""

    def add(
        self,
        name: str,
        version: str,
        *,
        suite: str = "trixie",
        architecture: str = "armhf",
        **fields: str,
    ) -> Path:
        """Bring a package of one file into a suite, in the place of its older versions."""
        tree = self.folder.parent / "package"
        shutil.rmtree(tree, ignore_errors=True)
        (tree / "usr/share" / name).mkdir(parents=True)
        (tree / "usr/share" / name / "version").write_text(version)
        (tree / "DEBIAN").mkdir()
        control = {
            "Package": name,
            "Version": version,
            "Architecture": architecture,
            "Maintainer": "Nobody <nobody@example.org>",
            "Description": "a package",
            **fields,
        }
        text = "".join(f"{field}: {value}\n" for field, value in control.items())
        (tree / "DEBIAN/control").write_text(text)
        deb = f"{name}_{version.split(':')[-1]}_{architecture}.deb"
        path = Path("pool/main") / name[0] / name / deb
        file = self.folder / MAIN[suite] / path
        file.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["dpkg-deb", "--build", "--root-owner-group", tree, file],
            check=True,
            capture_output=True,
        )
        known = self.stanzas.get((suite, architecture), [])
        self.stanzas[suite, architecture] = [
            *(stanza for stanza in known if f"Package: {name}\n" not in stanza),
            f"{text}Filename: {path}\nSize: {file.stat().st_size}\nSHA256: {_sha256(file)}\n",
        ]
        return file

    def publish(self, date: datetime, *suites: str) -> None:
        """Write and sign the indexes."""
        for suite in suites or ("trixie", "trixie-updates"):
            folder = self.folder / MAIN[suite] / "dists" / suite
            listed = ""
            indexes = {"main/source/Sources": self.sources} | {
                f"main/binary-{each}/Packages": "\n".join(self.stanzas.get((suite, each), []))
                for each in ARCHITECTURES
            }
            for name, text in indexes.items():
                index = folder / name
                index.parent.mkdir(parents=True, exist_ok=True)
                index.write_text(text)
                listed += f" {_sha256(index)} {index.stat().st_size} {name}\n"
            (folder / "InRelease").unlink(missing_ok=True)
            subprocess.run(
                ["gpg", "--homedir", self.key, "--clearsign", "--output", folder / "InRelease"],
                input=(
                    f"Suite: stable\nCodename: {suite}\nDate: {format_datetime(date)}\n"
                    f"Architectures: {' '.join(ARCHITECTURES)}\nComponents: main\n"
                    f"SHA256:\n{listed}"
                ).replace("+0000", "UTC"),
                text=True,
                check=True,
                capture_output=True,
            )
            # Else two of the same second are one to whoever asks what is new.
            os.utime(folder / "InRelease", (date.timestamp(), date.timestamp()))

    def begin_synchronisation(self, suite: str = "trixie") -> None:
        """An index that is not the one that its release file tells of."""
        index = self.folder / MAIN[suite] / "dists" / suite / "main/binary-armhf/Packages"
        index.write_bytes(index.read_bytes() + b"\n")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A GnuPG home with one key, and its keyring."""
    home = tmp_path_factory.mktemp("key")
    home.chmod(0o700)
    for words in (
        ["--passphrase", "", "--quick-generate-key", "mirror@example.org", "ed25519", "sign"],
        ["--output", str(home / "keyring.gpg"), "--export"],
    ):
        subprocess.run(
            ["gpg", "--homedir", home, "--batch", *words], check=True, capture_output=True
        )
    yield home
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


@pytest.fixture
def mirror(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    mirror = Mirror(tmp_path / "mirror", key)
    mirror.add("linux-image-armmp", "6.12.107-1")
    mirror.add("rauc", "1:1.13-3+b1", Depends="libglib")
    mirror.add("libglib", "2.84~rc")
    mirror.publish(SPRING)
    monkeypatch.setattr(debian_archive, "KEYRING", str(key / "keyring.gpg"))
    monkeypatch.setattr(debian_archive, "PAUSE", 0)
    monkeypatch.setattr(debian_archive, "MAX_TRIES_WITHOUT_INDEX", 2)
    monkeypatch.setenv("MOKANDA_MIRROR", f"{mirror.address}/debian/")
    monkeypatch.setenv("MOKANDA_SECURITY_MIRROR", f"{mirror.address}/debian-security/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(mirror.server):
        yield mirror


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return fresh(tmp_path / "cache")


def fresh(cache: Path) -> Archive:
    """A cache with nothing in it."""
    return Archive(cache, "armhf", Log(cache.parent / "build.log"))


@pytest.fixture
def system(tmp_path: Path) -> System:
    return recipes(tmp_path / "recipes", "rauc")


def recipes(folder: Path, *packages: str, soc: str = SMALLER_SOC) -> System:
    """The system of a board that asks for these packages."""
    debian = f"[debian]\npackages = {list(packages)}"
    return load("a-board", write(folder, soc=soc, topic=debian))


@pytest.fixture
def lock(mirror: Mirror, tmp_path: Path, system: System) -> Lock:
    """What the mirror had in spring, resolved on another machine."""
    lock = packages.resolve([system], fresh(tmp_path / "elsewhere"))
    mirror.asked.clear()
    return lock


def versions(lock: Lock) -> dict[str, str]:
    return {deb.name: deb.version for deb in lock.debs.values()}


def test_a_lock_holds_what_the_recipes_ask_for_and_what_that_needs(lock: Lock) -> None:
    assert versions(lock) == {
        "libglib": "2.84~rc",
        "linux-image-armmp": "6.12.107-1",
        "rauc": "1:1.13-3+b1",
    }
    assert lock.suites == {"trixie": SPRING, "trixie-updates": SPRING}
    assert not lock.security


def test_security_updates_come_from_their_own_archive(
    mirror: Mirror, archive: Archive, system: System
) -> None:
    file = mirror.add("rauc", "1:1.13-3+deb13u1", suite="trixie-security", Depends="libglib")
    mirror.publish(SUMMER, "trixie-security")
    lock = packages.resolve([system], archive)
    assert lock.security
    assert lock.suites["trixie-security"] == SUMMER
    assert lock.debs["rauc:armhf"].archive == "debian-security"
    assert archive.fetch([lock.debs["rauc:armhf"]]) == []
    assert archive.file(lock.debs["rauc:armhf"]).read_bytes() == file.read_bytes()


def test_each_board_gets_the_packages_of_its_architecture(
    tmp_path: Path, mirror: Mirror, system: System
) -> None:
    mirror.add("linux-image-arm64", "6.12.107-1", architecture="arm64")
    mirror.add("rauc", "1:1.13-3", architecture="arm64")
    mirror.publish(SUMMER)
    large = recipes(tmp_path / "large", "rauc", soc=SOC)
    large = replace(large, board=replace(large.board, name="b-board"))
    lock = resolve([system, large], tmp_path / "cache", Log(tmp_path / "lock.log"))
    assert {deb.qualified_name for deb in lock.boards["a-board"].debs} == {
        "libglib:armhf",
        "linux-image-armmp:armhf",
        "rauc:armhf",
    }
    assert {deb.qualified_name for deb in lock.boards["b-board"].debs} == {
        "linux-image-arm64:arm64",
        "rauc:arm64",
    }


def test_a_locked_image_needs_no_index(
    mirror: Mirror, archive: Archive, system: System, lock: Lock
) -> None:
    for suite in ("trixie", "trixie-updates"):
        mirror.begin_synchronisation(suite)
    assert packages.obtain(system, lock, archive) == (lock, True)
    assert len(mirror.asked) == 3
    assert all("/pool/" in path for path in mirror.asked)


def test_what_is_in_the_cache_is_not_asked_for(
    mirror: Mirror, archive: Archive, system: System, lock: Lock
) -> None:
    packages.obtain(system, lock, archive)
    mirror.asked.clear()
    assert packages.obtain(system, lock, archive) == (lock, True)
    assert mirror.asked == []


def test_a_damaged_package_in_the_cache_is_fetched_again(
    archive: Archive, system: System, lock: Lock
) -> None:
    packages.obtain(system, lock, archive)
    rauc = archive.file(lock.debs["rauc:armhf"])
    rauc.write_bytes(rauc.read_bytes()[:-1])
    assert packages.obtain(system, lock, archive) == (lock, True)
    assert _sha256(rauc) == lock.debs["rauc:armhf"].sha256


def test_a_package_that_is_gone_lets_the_image_be_resolved_anew(
    mirror: Mirror,
    archive: Archive,
    system: System,
    lock: Lock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (mirror.folder / "debian" / lock.debs["libglib:armhf"].path).unlink()
    mirror.add("libglib", "2.84.1")
    mirror.publish(SUMMER)
    got, locked = packages.obtain(system, lock, archive)
    assert not locked
    assert versions(got)["libglib"] == "2.84.1"
    assert got.suites["trixie"] == SUMMER
    told = capsys.readouterr().err
    assert "cannot be had from the mirror: libglib 2.84~rc" in told
    assert "run make lock" in told


def test_a_package_of_another_content_is_not_taken(
    mirror: Mirror, archive: Archive, lock: Lock
) -> None:
    rauc = lock.debs["rauc:armhf"]
    path = mirror.folder / "debian" / rauc.path
    path.write_bytes(path.read_bytes().replace(b"debian-binary", b"debian-binarz"))
    assert archive.fetch(lock.select("a-board", ["rauc", "linux-image-armmp"])) == [rauc]
    assert not archive.file(rauc).exists()
    assert archive.file(lock.debs["libglib:armhf"]).exists()


def test_with_neither_package_nor_index_the_build_ends(
    mirror: Mirror, archive: Archive, system: System, lock: Lock
) -> None:
    (mirror.folder / "debian" / lock.debs["libglib:armhf"].path).unlink()
    mirror.begin_synchronisation()
    with pytest.raises(StepError, match="trixie cannot be fetched from the mirror; try later"):
        packages.obtain(system, lock, archive)


def test_an_index_that_names_what_is_not_there_ends_the_build(
    mirror: Mirror, archive: Archive, system: System, lock: Lock
) -> None:
    (mirror.folder / "debian" / lock.debs["libglib:armhf"].path).unlink()
    with pytest.raises(StepError, match=r"try later: libglib 2\.84~rc"):
        packages.obtain(system, lock, archive)


def test_while_a_mirror_is_synchronised_the_last_index_is_used(
    mirror: Mirror, archive: Archive, system: System
) -> None:
    packages.resolve([system], archive)
    mirror.add("rauc", "1:1.14", Depends="libglib")
    mirror.publish(SUMMER)
    mirror.begin_synchronisation()
    lock = packages.resolve([system], archive)
    assert versions(lock)["rauc"] == "1:1.13-3+b1"
    assert lock.suites == {"trixie": SPRING, "trixie-updates": SUMMER}


@pytest.fixture
def other(
    tmp_path: Path, key: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mirror]:
    """Another mirror of the security updates, which is asked after the first."""
    other = Mirror(tmp_path / "other", key)
    mirrors = (f"{each.address}/debian-security" for each in (mirror, other))
    monkeypatch.setenv("MOKANDA_SECURITY_MIRROR", "\n".join(mirrors))
    for each, version, date in ((mirror, "1:1.13-3+deb13u1", SPRING), (other, "1:1.13-4", SUMMER)):
        each.add("rauc", version, suite="trixie-security", Depends="libglib")
        each.publish(date, "trixie-security")
    with serving(other.server):
        yield other


def test_security_updates_come_from_the_mirror_that_has_the_newest(
    other: Mirror, archive: Archive, system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = packages.resolve([system], archive)
    assert versions(lock)["rauc"] == "1:1.13-4"
    assert lock.suites["trixie-security"] == SUMMER
    assert re.search(
        r"trixie-security: index of 2026-07-11 09:30 UTC, -?\d+ days old, mirror 2 of 2",
        capsys.readouterr().err,
    )
    assert archive.fetch([lock.debs["rauc:armhf"]]) == []
    assert any("rauc_1.13-4" in path for path in other.asked)


def test_while_one_mirror_is_synchronised_security_updates_come_from_the_other(
    mirror: Mirror, other: Mirror, archive: Archive, system: System
) -> None:
    other.begin_synchronisation("trixie-security")
    lock = packages.resolve([system], archive)
    assert versions(lock)["rauc"] == "1:1.13-3+deb13u1"
    assert lock.suites["trixie-security"] == SPRING
    assert archive.fetch(lock.select("a-board", system.debian_packages)) == []
    assert any("rauc_1.13-3" in path for path in mirror.asked)


def test_while_all_are_synchronised_security_is_tried_on_until_one_fits(
    mirror: Mirror,
    other: Mirror,
    archive: Archive,
    system: System,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirror.begin_synchronisation("trixie-security")
    other.begin_synchronisation("trixie-security")
    pauses = []

    def synchronised(_seconds: float) -> None:
        pauses.append(_seconds)
        if len(pauses) == 6:
            mirror.publish(SUMMER, "trixie-security")

    monkeypatch.setattr("time.sleep", synchronised)
    assert packages.resolve([system], archive).suites["trixie-security"] == SUMMER
    assert len(pauses) == 6 > debian_archive.MAX_TRIES


def test_recipes_that_ask_for_more_than_the_lock_holds_are_refused(
    tmp_path: Path, mirror: Mirror, archive: Archive, lock: Lock
) -> None:
    more = recipes(tmp_path / "recipes", "rauc", "iw")
    with pytest.raises(LockError, match=r"\(iw added\): run make lock"):
        packages.obtain(more, lock, archive)
    assert mirror.asked == []


def test_without_a_lock_there_is_no_image(archive: Archive, system: System) -> None:
    with pytest.raises(StepError, match=r"no recipes/packages\.lock: run make lock"):
        packages.obtain(system, None, archive)


def test_packages_are_unpacked_into_one_tree(
    tmp_path: Path, archive: Archive, system: System, lock: Lock
) -> None:
    packages.obtain(system, lock, archive)
    debs = lock.select("a-board", system.debian_packages)
    tree = packages.extract(archive, debs, tmp_path / "extracted", archive.log)
    assert (tree / "usr/share/rauc/version").read_text() == "1:1.13-3+b1"
    assert (tree / "usr/share/libglib/version").read_text() == "2.84~rc"


def test_the_record_names_the_source_of_each_package(
    mirror: Mirror, archive: Archive, system: System
) -> None:
    mirror.add("libglib", "2.84.1-1+b2", Source="glib2.0 (2.84.1-1)")
    mirror.publish(SUMMER)
    lock = packages.resolve([system], archive)
    debs = lock.select("a-board", system.debian_packages)
    archive.fetch(debs)
    described = packages.described(archive, debs, archive.log)
    assert [package.source for package in described if package.name != "linux-image-armmp"] == [
        "glib2.0 2.84.1-1",
        "rauc 1:1.13-3+b1",
    ]
    assert described[0].sha256 == debs[0].sha256


def test_two_packages_with_the_same_file_are_refused(
    tmp_path: Path, archive: Archive, lock: Lock
) -> None:
    rauc = lock.debs["rauc:armhf"]
    archive.fetch([rauc])
    with pytest.raises(StepError, match=r"usr/share/rauc/version: Cannot open: File exists"):
        packages.extract(archive, [rauc, rauc], tmp_path / "extracted", archive.log)


def test_the_source_of_u_boot_is_fetched_by_its_path(mirror: Mirror, archive: Archive) -> None:
    path = "pool/main/u/u-boot/u-boot_2025.01.orig.tar.bz2"
    file = mirror.folder / "debian" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"source")
    assert archive.source(path, _sha256(file)).read_bytes() == b"source"
    with pytest.raises(StepError, match="right content"):
        archive.source(path, "0" * 64)


def test_the_versions_of_sources_are_read_again_when_there_are_newer_ones(
    mirror: Mirror, archive: Archive
) -> None:
    mirror.sources = (
        "Package: linux\nBinary: linux-image,\n linux-doc\nVersion: 6.12.107-1\n\n"
        "Package: linux\nVersion: 6.12.113-1\n\nPackage: zlib\nVersion: 1:1.3.2-1\n"
    )
    mirror.publish(SPRING)
    assert archive.source_versions("trixie") == {
        "linux": ["6.12.107-1", "6.12.113-1"],
        "zlib": ["1:1.3.2-1"],
    }
    assert archive.date("trixie") == SPRING
    mirror.asked.clear()
    archive.source_versions("trixie")
    assert mirror.asked == ["/debian/dists/trixie/InRelease"]
    mirror.sources = "Package: zlib\nVersion: 1:1.3.3-1\n"
    mirror.publish(SUMMER)
    assert archive.source_versions("trixie") == {"zlib": ["1:1.3.3-1"]}


@pytest.mark.usefixtures("mirror")
def test_a_suite_that_was_never_there_has_no_sources(archive: Archive) -> None:
    assert archive.source_versions("forky") == {}
