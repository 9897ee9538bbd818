# SPDX-License-Identifier: Apache-2.0
"""What is left out of a root file system because nobody here uses it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.assembly import prune, unused
from scripts.completeness import libraries

LIBRARY = next(path for path in Path("/usr/lib").glob("*/libm.so.6"))  # needs the C library


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("usr/bin", "usr/sbin", "usr/lib/systemd/system", "usr/lib/udev/rules.d"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def _programs(root: Path, *names: str) -> None:
    for name in names:
        (root / name).write_text("#!/bin/sh\n")


def _there(root: Path) -> set[str]:
    return {path.name for part in ("usr/bin", "usr/sbin") for path in (root / part).iterdir()}


def test_programs_that_no_recipe_needs_and_no_file_starts_are_left_out(root: Path) -> None:
    _programs(root, "usr/bin/sqlite3", "usr/bin/gpg", "usr/sbin/tc", "usr/bin/journalctl")
    unused.remove(["gpg"], root)
    assert _there(root) == {"gpg", "journalctl"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("usr/lib/systemd/system/a.service", "[Service]\nExecStart=/usr/sbin/dnsmasq --keep\n"),
        ("usr/lib/udev/rules.d/40-a.rules", 'RUN+="/sbin/dnsmasq"\n'),
    ],
)
def test_what_a_unit_or_a_rule_starts_stays(root: Path, file: str, text: str) -> None:
    _programs(root, "usr/sbin/dnsmasq")
    (root / file).write_text(text)
    unused.remove([], root)
    assert _there(root) == {"dnsmasq"}


def test_what_a_program_is_called_otherwise_stays_with_it(root: Path) -> None:
    _programs(root, "usr/bin/kmod", "usr/bin/other")
    (root / "usr/sbin/modprobe").symlink_to("../bin/kmod")
    (root / "usr/sbin/another").symlink_to("../bin/other")
    unused.remove([], root)
    assert _there(root) == {"kmod", "modprobe"}


def test_libraries_go_when_the_last_that_names_them_has_gone(root: Path) -> None:
    """The library that nobody names is the only one that names the C library."""
    shutil.copy(LIBRARY, root / "usr/lib/libunused.so.1")
    (root / "usr/lib/libc.so.6").write_bytes(b"")
    assert "libc.so.6" in next(iter(libraries.needed(root).values()))
    unused.remove([], root)
    assert not list((root / "usr/lib").glob("*.so*"))


def test_libraries_that_a_program_names_stay_with_their_links(root: Path) -> None:
    shutil.copy(LIBRARY, root / "usr/bin/gpg")
    (root / "usr/lib/libc.so.6").symlink_to("libc-2.41.so")
    (root / "usr/lib/libc-2.41.so").write_bytes(b"")
    (root / "usr/lib/libc.so").symlink_to("libc.so.6")
    unused.remove(["gpg"], root)
    there = {path.name for path in (root / "usr/lib").glob("*.so*")}
    assert there == {"libc.so.6", "libc-2.41.so"}


def test_libraries_that_are_loaded_by_name_stay(root: Path) -> None:
    (root / "usr/lib/libkmod.so.2").write_bytes(b"")
    unused.remove([], root)
    assert (root / "usr/lib/libkmod.so.2").exists()


def test_what_is_pruned_is_said_once_and_in_order() -> None:
    assert list(prune.PRUNED) == sorted(set(prune.PRUNED))
