# SPDX-License-Identifier: Apache-2.0
"""Buildroot with the sources of a Debian mirror: the table, and the tree that is made by it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from scripts.engines.buildroot import debian_sources
from scripts.engines.debian import lock
from scripts.tools.steps import StepError

TABLE = tomllib.loads(debian_sources.TABLE.read_text())
REPOSITORY = Path(__file__).resolve().parents[2]
SMALL_TABLE = """
[earlier]
release = "2025.08.4"
packages = ["python3"]

[source.expat]
version = "2.8.3"
path = "pool/main/e/expat/expat_2.8.3.orig.tar.gz"
sha256 = "e1"
strip = 2
autoreconf = true

[source.linux]
path = "pool/main/l/linux/linux_6.12.107.orig.tar.xz"
sha256 = "11"

[index]
meson = { path = "1b/d3/meson-1.10.1.tar.gz", sha256 = "3e" }

[without]
expat = ["0001-old.patch"]

[binary]
nftables = ["nftables", { path = "pool/main/n/npth/libnpth0-dev_1.8-3_armhf.deb", sha256 = "de" }]

[tool]
zic = ["zic"]
"""


def test_the_table_is_for_the_release_that_we_build_with() -> None:
    release = re.search(
        r"^release=(.*)$", (REPOSITORY / "scripts/buildroot").read_text(), re.MULTILINE
    )
    assert release
    assert TABLE["release"] == release[1]


@pytest.mark.parametrize("package", [*TABLE["source"], *TABLE["index"]])
def test_an_archive_has_its_hash_and_the_version_that_it_is_said_to_have(package: str) -> None:
    source = (TABLE["source"] | TABLE["index"])[package]
    assert re.fullmatch("[0-9a-f]{64}", source["sha256"])
    in_pool = package in TABLE["source"]
    assert source["path"].startswith("pool/main/") == in_pool
    version = source.get("version", "").replace("2024.10.16", "20241016")
    assert version in source["path"]


def test_a_package_has_one_place() -> None:
    tables = [TABLE[name] for name in ("source", "index", "binary", "tool")]
    named = [package for table in tables for package in table]
    assert sorted(named) == sorted(set(named))
    assert set(TABLE["without"]) <= set(TABLE["source"])


def test_binary_packages_are_those_of_the_lock() -> None:
    locked = lock.read()
    assert locked
    names = {deb.name for deb in locked.debs.values()}
    asked = {deb for debs in TABLE["binary"].values() for deb in debs if isinstance(deb, str)}
    assert asked <= names


@pytest.fixture
def buildroot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Buildroot tree of some packages, with an earlier release in its history."""
    table = tmp_path / "table.toml"
    table.write_text(SMALL_TABLE)
    monkeypatch.setattr(debian_sources, "TABLE", table)
    tree = tmp_path / "buildroot"
    for folder in (
        "linux",
        *(f"package/{name}" for name in "expat meson nftables python3 zic".split()),
    ):
        (tree / folder).mkdir(parents=True)
        (tree / folder / f"{Path(folder).name}.mk").write_text("")
    (tree / "package/expat/expat.hash").write_text("sha256  00  expat-2.8.1.tar.xz\n")
    (tree / "package/expat/0001-old.patch").touch()
    (tree / "package/zic/zic.mk").write_text("ZIC_VERSION = 2026b\nZIC = $(HOST_DIR)/sbin/zic\n")
    (tree / "package/python3/python3.mk").write_text("PYTHON3_VERSION_MAJOR = 3.13\n")
    _git(tree, "init", "--quiet")
    _git(tree, "add", ".")
    _git(tree, "commit", "--quiet", "--message", "earlier")
    _git(tree, "tag", "2025.08.4")
    (tree / "package/python3/python3.mk").write_text("PYTHON3_VERSION_MAJOR = 3.14\n")
    return tree


def _git(tree: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", "-C", tree, *identity, *arguments], check=True)


def _made(buildroot: Path) -> Path:
    tree = buildroot.parent / "tree"
    debian_sources.make(buildroot, tree, "http://mirror.example/debian/")
    return tree


def test_sources_come_from_the_mirror_and_are_checked(buildroot: Path) -> None:
    tree = _made(buildroot)
    overrides = (tree / debian_sources.OVERRIDES).read_text()
    assert "override EXPAT_SITE = http://mirror.example/debian/pool/main/e/expat\n" in overrides
    assert "override EXPAT_SOURCE = expat_2.8.3.orig.tar.gz\n" in overrides
    assert "override EXPAT_VERSION = 2.8.3\n" in overrides
    assert "override EXPAT_AUTORECONF = YES\n" in overrides
    assert "override MESON_SITE = https://files.pythonhosted.org/packages/1b/d3\n" in overrides
    assert "LINUX_VERSION" not in overrides
    hashes = (tree / "package/expat/expat.hash").read_text().splitlines()
    assert hashes == [
        "sha256  00  expat-2.8.1.tar.xz",
        "",
        "sha256  e1  expat_2.8.3.orig.tar.gz",
    ]
    assert "sha256  11  linux_6.12" in (tree / "linux/linux.hash").read_text()
    assert not (tree / "package/expat/0001-old.patch").exists()


def test_the_given_tree_stays_as_it_is(buildroot: Path) -> None:
    _made(buildroot)
    assert (buildroot / "package/expat/0001-old.patch").exists()
    assert not (buildroot / debian_sources.OVERRIDES).exists()


def test_a_package_can_be_that_of_an_earlier_release(buildroot: Path) -> None:
    assert "3.13" in (_made(buildroot) / "package/python3/python3.mk").read_text()
    assert "3.14" in (buildroot / "package/python3/python3.mk").read_text()


def test_without_the_earlier_release_it_is_said_how_to_get_it(buildroot: Path) -> None:
    _git(buildroot, "tag", "--delete", "2025.08.4")
    with pytest.raises(StepError, match=r"fetch --depth 1 origin tag 2025\.08\.4"):
        _made(buildroot)


def test_where_there_is_no_source_debians_binaries_stand_in(buildroot: Path) -> None:
    makefile = (_made(buildroot) / "package/nftables/nftables.mk").read_text()
    assert re.search(r"^NFTABLES_SOURCE = nftables_\S+_armhf\.deb$", makefile, re.MULTILINE)
    assert "http://mirror.example/debian/pool/main/n/npth/libnpth0-dev_1.8-3_armhf.deb" in makefile


def test_a_tool_is_the_machines_own_and_is_found_where_others_look(buildroot: Path) -> None:
    makefile = (_made(buildroot) / "package/zic/zic.mk").read_text()
    assert "ZIC = $(HOST_DIR)/sbin/zic\n" in makefile
    assert "ZIC_VERSION" not in makefile
    assert "which zic" in makefile


def test_a_tree_is_made_once_and_anew_when_the_table_has_changed(buildroot: Path) -> None:
    tree = _made(buildroot)
    mark = tree / "mark"
    mark.touch()
    _made(buildroot)
    assert mark.exists()
    debian_sources.TABLE.write_text(f"# changed\n{SMALL_TABLE}")
    _made(buildroot)
    assert not mark.exists()


def test_a_tree_is_made_anew_when_that_which_it_is_a_copy_of_has_changed(buildroot: Path) -> None:
    tree = _made(buildroot)
    (buildroot / "package/meson/0001-mended.patch").write_text("a patch\n")
    _made(buildroot)
    assert (tree / "package/meson/0001-mended.patch").exists()


def test_what_builds_in_the_tree_have_left_is_not_copied(buildroot: Path) -> None:
    for folder in ("dl", "output"):
        (buildroot / folder).mkdir()
    tree = _made(buildroot)
    assert not (tree / "dl").exists()
    assert not (tree / "output").exists()


def test_a_copy_that_was_cut_is_not_taken_for_a_whole_one(
    buildroot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = _made(buildroot)

    def cut(*_: object, **__: object) -> None:
        (tree / "package/expat/expat.mk").unlink()
        raise KeyboardInterrupt

    debian_sources.TABLE.write_text(f"# changed\n{SMALL_TABLE}")
    with monkeypatch.context() as power:
        power.setattr(shutil, "rmtree", cut)
        with pytest.raises(KeyboardInterrupt):
            _made(buildroot)
    debian_sources.TABLE.write_text(SMALL_TABLE)
    _made(buildroot)
    assert (tree / "package/expat/expat.mk").exists()


@pytest.mark.usefixtures("buildroot")
def test_what_the_table_lacks_is_named_before_anything_is_built() -> None:
    def package(folder: str, address: str) -> dict[str, object]:
        return {"dl_dir": folder, "downloads": [{"uris": [address]}]}

    information = {
        "host-expat": package("expat", "https+https://a.example"),
        "linux-headers": package("linux", "https+https://a.example"),
        "mokanda-wire": package("mokanda-wire", "local+/somewhere"),
        "python-cbor2": package("python-cbor2", f"https+{debian_sources.INDEX}/bd/cb"),
        "rootfs-tar": {},
        "screen": package("screen", "https+https://a.example"),
    }
    assert debian_sources.missing(information) == ["screen"]
