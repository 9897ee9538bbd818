# SPDX-License-Identifier: Apache-2.0
"""The table of packages that are newer elsewhere: in Buildroot's series and in Debian."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.engines.buildroot import bumps, debian_sources
from scripts.engines.buildroot.bumps import Row, row
from scripts.engines.buildroot.series import NoSeriesError, Release, newest_release
from scripts.engines.debian.versions import newer, newest, upstream

pytestmark = pytest.mark.skipif(shutil.which("dpkg") is None, reason="no dpkg on this machine")

RELEASE = Release(
    "2026.02.4",
    {
        "LIBGLIB2_VERSION": "$(LIBGLIB2_VERSION_MAJOR).5",
        "LIBGLIB2_VERSION_MAJOR": "2.86",
        "LINUX_VERSION": "$(call qstrip,$(BR2_LINUX_KERNEL_VERSION))",
        "UTIL_LINUX_LIBS_VERSION": "$(UTIL_LINUX_VERSION)",
        "UTIL_LINUX_VERSION": "2.41.4",
        "ODD_VERSION": "$(subst .,_,$(UTIL_LINUX_VERSION))",
    },
    ("7.0.3", "6.12.91", "6.1.160"),
)
IMAGE = {"expat": "2.8.3", "libzlib": "1.3.2", "linux": "6.12.118"}
SUITES: bumps.Suites = {
    "trixie": {"linux": ["6.12.38-1", "6.12.113-1"], "npth": ["1.8-3"], "expat": ["2.7.1-2"]},
    "trixie-security": {"linux": ["6.12.118-1"], "expat": ["2.9.0-1~deb13u1"]},
    "forky": {"linux": ["7.2.12-1"], "npth": ["1.8-4"], "zlib": ["1:1.3.dfsg+really1.3.2-3"]},
    "sid": {"python3.13": ["3.13.18-1"], "python3.14": ["3.14.10-1"], "wpa": ["2:2.11-5"]},
}


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("1:1.3.dfsg+really1.3.2-3", "1.3.2"),
        ("1.10.8+ds1-2", "1.10.8"),
        ("0.24.4+tests-1", "0.24.4"),
        ("6.12.107-1~deb13u1", "6.12.107"),
        ("2.5.2-1+1", "2.5.2"),
        ("20250419+deb13u1", "20250419+deb13u1"),
        ("1.4.0-110-ge888634+dfsg1-0.1", "1.4.0-110-ge888634"),
        ("3.54.0~rc1-1", "3.54.0~rc1"),
        ("2026c", "2026c"),
    ],
)
def test_what_debian_adds_to_a_version_is_left_out(version: str, told: str) -> None:
    assert upstream(version) == told


@pytest.mark.parametrize(
    ("version", "than"),
    [
        ("6.12.107", "6.12.38"),
        ("2.10", "2.9"),
        ("3.54.0", "3.54.0~rc1"),
        ("2026f", "2026c"),
        ("2.43", "2.42-67-g4ebd33dd77ea"),
        ("2.41-12+deb13u3", "2.41-11"),
        ("9.9p2", "9.9p1"),
    ],
)
def test_versions_are_ordered_as_dpkg_does(version: str, than: str) -> None:
    assert newer(version, than)
    assert not newer(than, version)
    assert not newer(version, version)
    assert newest([than, version, than]) == version


def test_of_no_versions_none_is_the_newest() -> None:
    assert newest([]) is None


@pytest.mark.parametrize(
    ("name", "image", "found", "mark"),
    [
        ("linux", "6.12.107", ("6.12.91", "6.12.118", "7.2.12", "6.12.118-1"), "!"),
        ("linux", "6.12.118", ("6.12.91", "6.12.118", "7.2.12", "6.12.118-1"), "+"),
        # Debian mended a security problem by another branch.
        ("expat", "2.8.3", (None, None, "2.9.0", "2.9.0-1~deb13u1"), "!"),
        ("libzlib", "1.3.2", (None, "1.3.2", "1.3.2", None), " "),
        ("python3", "3.13.15", (None, "3.13.18", "3.13.18", None), "!"),
        ("hostapd", "2.11", (None, "2.11", "2.11", None), " "),
        # Debian's binary package, as `--sources debian` takes some: its revision counts, too.
        ("libnpth", "1.8-3", (None, "1.8-4", "1.8-4", None), "!"),
        ("libnpth", "1.8", (None, "1.8", "1.8", None), " "),
        ("util-linux-libs", "2.41.3", ("2.41.4", None, None, None), "!"),
        ("nobody-has-it", "1.0", (None, None, None, None), " "),
    ],
)
def test_a_package_is_compared_with_series_and_debian(
    name: str, image: str, found: tuple[str | None, ...], mark: str
) -> None:
    told = row(name, image, RELEASE, SUITES)
    assert told == Row(name, image, *found)
    assert told.mark == mark


def test_without_series_and_debian_nothing_is_known() -> None:
    nowhere: bumps.Suites = {suite: {} for suite in bumps.SUITES}
    assert row("linux", "6.12.107", None, nowhere).mark == " "


def test_variables_of_makefiles_are_followed() -> None:
    assert RELEASE.version("libglib2", "2.84") == "2.86.5"
    assert RELEASE.version("linux", "6.1") == "6.1.160"
    assert RELEASE.version("linux", "5.10") is None
    assert RELEASE.version("odd", "1") is None


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A Buildroot tree of 2026.02.3 whose git knows two releases more."""
    versions = {
        "2026.02.9": "1.0",
        "2026.02.10": "1.1",
        "2026.05": "2.0",
        "2026.02-rc1": "0.1",
    }
    makefile, headers = tmp_path / "package/our-lib/our-lib.mk", tmp_path / "package/linux-headers"
    for path in (makefile.parent, headers):
        path.mkdir(parents=True)
    (tmp_path / "Makefile").write_text("export BR2_VERSION := 2026.02.3\n")
    (headers / "Config.in.host").write_text('\tdefault "6.12.91"\tif BR2_KERNEL_HEADERS_6_12\n')
    _git(tmp_path, "init", "--quiet")
    for tag, version in versions.items():
        makefile.write_text(
            f"OUR_LIB_VERSION_MAJOR = {version}\nOUR_LIB_VERSION := $(OUR_LIB_VERSION_MAJOR).7\n"
        )
        _git(tmp_path, "add", ".")
        _git(tmp_path, "commit", "--quiet", "--message", tag)
        _git(tmp_path, "tag", tag)
    return tmp_path


def _git(tree: Path, *command: str) -> None:
    name = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    subprocess.run(["git", "-C", tree, *name, *command], check=True)


def test_the_newest_release_of_the_series_is_taken(tree: Path) -> None:
    release = newest_release(tree)
    assert release.tag == "2026.02.10"
    assert release.version("our-lib", "1.0") == "1.1.7"
    assert release.version("linux", "6.12") == "6.12.91"


def test_a_tree_without_releases_says_so(tree: Path) -> None:
    (tree / "Makefile").write_text("export BR2_VERSION := 2019.02\n")
    with pytest.raises(NoSeriesError, match=r"no release of the series 2019\.02"):
        newest_release(tree)
    shutil.rmtree(tree / ".git")
    with pytest.raises(NoSeriesError, match="git"):
        newest_release(tree)


def test_what_make_prints_around_its_information_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "show-info.json"
    target = {"type": "target", "virtual": False, "install_target": True, "downloads": []}
    information = {
        "expat": {**target, "version": "2.8.3"},
        "host-m4": {**target, "type": "host", "version": "1.4.19"},
        "mokanda-wire": {**target, "version": "0.1.0"},
        "skeleton": {**target, "version": ""},
        "toolchain-external": {"type": "target", "virtual": True, "install_target": True},
    }
    path.write_text(f"make: Entering directory 'x'\n{json.dumps(information)}\nmake: Leaving\n")
    library = tmp_path / "usr/lib/libc.so.6"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"GNU C Library (Buildroot) stable release version 2.42.\n")
    assert bumps.images_versions(bumps.read_information(path), tmp_path) == {
        "expat": "2.8.3",
        "glibc": "2.42",
        "u-boot": "2025.01",
    }


def test_known_vulnerabilities_stand_beside_their_package(tmp_path: Path) -> None:
    path = tmp_path / "pkg-stats.json"
    affected = {
        "cves": ["CVE-1"],
        "unsure_cves": ["CVE-2"],
        "status": {"cve": ["error", "affected"]},
    }
    clean = {"cves": [], "unsure_cves": [], "status": {"cve": ["ok", "not affected"]}}
    unknown = {"cves": [], "unsure_cves": [], "status": {"cve": ["na", "no version"]}}
    packages = {
        "expat": {**affected, "current_version": "2.8.1"},
        "libzlib": {**clean, "current_version": "1.3.2"},
        "linux": {**unknown, "current_version": None},
        "xz": {"cves": [], "unsure_cves": [], "status": {}, "current_version": "5.8.3"},
    }
    path.write_text(json.dumps({"packages": packages, "date": "2026-07-01 12:00:00"}))
    date, cves = bumps.read_cves(path)
    assert date == "2026-07-01 12:00:00"
    assert cves == {"expat": "2.8.1: CVE-1, CVE-2?", "libzlib": "1.3.2: none"}


def test_the_table_begins_with_what_is_to_be_looked_at() -> None:
    rows = [row(name, version, RELEASE, SUITES) for name, version in reversed(IMAGE.items())]
    assert bumps.table(rows, RELEASE, {"expat": "2.8.3: CVE-1"}).splitlines() == [
        "   package  image     2026.02.4  same branch  newest  trixie-security  CVEs",
        "!  expat    2.8.3     -          -            2.9.0   2.9.0-1~deb13u1  2.8.3: CVE-1",
        "+  linux    6.12.118  6.12.91    6.12.118     7.2.12  6.12.118-1       not checked",
        "   libzlib  1.3.2     -          1.3.2        1.3.2   -                not checked",
    ]


def test_before_anything_was_built_it_is_said_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOKANDA_CACHE", str(tmp_path))
    monkeypatch.setattr(bumps, "REPOSITORY", tmp_path)
    assert bumps.main(["--board", "orangepi-pc"]) == 1
    assert "run scripts/buildroot --board orangepi-pc\n" in capsys.readouterr().err


def test_commits_are_shortened() -> None:
    found = Row(
        "glibc", "2.42-51-gcbf39c26b25801e9bc88499b4fd361ac172d4125", None, None, None, None
    )
    assert "2.42-51-gcbf39c2  " in bumps.table([found], None, None)


def test_every_other_name_is_of_a_package_that_is_not_named_so_in_debian() -> None:
    assert all(name != source for name, source in bumps.NAMES.items())


def test_a_name_that_the_table_of_sources_has_stands_nowhere_else() -> None:
    assert not bumps.NAMES.keys() & debian_sources.source_names().keys()


@pytest.mark.parametrize(
    ("package", "version", "source"),
    [
        ("hostapd", "2.10", "wpa"),
        ("python3", "3.13.15", "python3.13"),
        ("usb_modeswitch", "2.6.1", "usb-modeswitch"),
        ("dbus", "1.14.10", "dbus"),
    ],
)
def test_debians_name(package: str, version: str, source: str) -> None:
    assert bumps.source_name(package, version) == source
