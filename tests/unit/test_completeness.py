# SPDX-License-Identifier: Apache-2.0
"""What is found missing in a root file system, and that the recipes name all that our code starts.

The check as a whole runs in each build of an image, with the target's own programs.
"""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path

import pytest

from scripts.completeness import accounts, libraries, programs, running, traces
from scripts.recipes import boards, load
from scripts.tools.repository import REPOSITORY

CODE = ("firmware/mokanda_firmware", "wire/mokanda_wire")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with a program, BusyBox for another, and the accounts of two."""
    for folder in ("etc", "usr/bin", "usr/lib/systemd/system"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    for name in ("busybox", "gpg"):
        shutil.copy("/bin/true", tmp_path / "usr/bin" / name)
    (tmp_path / "usr/bin/date").symlink_to("/bin/busybox")
    (tmp_path / "etc/passwd").write_text(f"root:x:{os.getuid()}:0::/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text(f"root:x:{os.getgid()}:\n")
    return tmp_path


def test_programs_are_found_through_the_links_of_the_root_file_system(root: Path) -> None:
    assert list(programs.missing(["gpg", "date"], ["/bin/gpg"], root)) == []


def test_a_program_that_is_not_there_or_cannot_be_started_is_missed(root: Path) -> None:
    (root / "usr/bin/gpg").chmod(0o644)
    (root / "usr/bin/wc").symlink_to("/usr/bin/nothing")
    found = list(programs.missing(["gpg", "rauc", "wc"], ["/usr/lib/firmware/regulatory.db"], root))
    assert found == [
        "gpg: no such program",
        "rauc: no such program",
        "wc: no such program",
        "/usr/lib/firmware/regulatory.db: no such file",
    ]


@pytest.mark.parametrize("target", ["loop", "../../../../usr/bin/gpg", "/usr/bin/../bin/gpg"])
def test_links_lead_nowhere_out_of_the_root_file_system(root: Path, target: str) -> None:
    (root / "usr/bin/loop").symlink_to(target)
    found = programs.inside(Path("/usr/bin/loop"), root)
    assert found == (None if target == "loop" else root / "usr/bin/gpg")


def test_the_libraries_of_a_program_are_missed(root: Path) -> None:
    found = list(libraries.missing(root))
    assert any(line.startswith("libc.so.6: no such library, but needed by") for line in found)
    assert any("/usr/bin/gpg: its loader /lib" in line for line in found)


def test_libraries_that_are_there_are_not_missed(root: Path) -> None:
    (root / "usr/lib/libc.so.6").touch()  # true needs no other
    (root / "lib").symlink_to("usr/lib")
    (root / "lib64").symlink_to("usr/lib")
    for loader in (*Path("/lib64").glob("ld-*.so.*"), *Path("/lib").glob("ld-*.so.*")):
        (root / "usr/lib" / loader.name).touch()
    assert list(libraries.missing(root)) == []


def test_who_owns_nothing_and_who_is_nobody(root: Path) -> None:
    assert list(accounts.missing(root)) == []
    (root / "etc/passwd").write_text("someone:x:4711:0::/:/bin/sh\n")
    assert f"/etc: belongs to user {os.getuid()}, who is nobody" in accounts.missing(root)


def test_a_unit_that_runs_as_nobody_is_told(root: Path) -> None:
    units = root / "usr/lib/systemd/system"
    (units / "mail.service").write_text("[Service]\nUser=mail\nSupplementaryGroups=root web\n")
    (units / "names.service").write_text("[Service]\nDynamicUser=yes\nUser=names\n")
    assert list(accounts.missing(root)) == [
        "mail.service: User=mail, but there is none in /etc/passwd",
        "mail.service: SupplementaryGroups=web, but there is none in /etc/group",
    ]


def test_a_program_that_runs_as_its_owner_is_told(root: Path) -> None:
    assert list(accounts.privileged(root)) == []
    (root / "usr/bin/busybox").chmod(0o4755)
    assert list(accounts.privileged(root)) == [
        "/usr/bin/busybox: runs as its owner or group (4755)"
    ]


@pytest.mark.parametrize("libraries", ["python3/dist-packages", "python3.14/site-packages"])
def test_all_modules_of_ours_are_imported(tmp_path: Path, libraries: str) -> None:
    package = tmp_path / "usr/lib" / libraries / "mokanda_wire"
    package.mkdir(parents=True)
    for name in ("__init__", "bundle", "__main__"):
        (package / f"{name}.pyc").touch()
    assert running.modules(tmp_path) == [
        "mokanda_wire",
        "mokanda_wire.__main__",
        "mokanda_wire.bundle",
    ]


@pytest.mark.parametrize("board", boards())
def test_each_program_that_our_code_starts_is_one_that_the_recipes_need(board: str) -> None:
    assert _started() <= set(load(board).needs_programs)


def _started() -> set[str]:
    """What our code starts: the first words of lists in modules that have to do with programs."""
    found = set()
    for path in (path for code in CODE for path in (REPOSITORY / code).rglob("*.py")):
        tree = ast.parse(path.read_text())
        if not any(
            isinstance(node, ast.Import) and node.names[0].name == "subprocess"
            for node in ast.walk(tree)
        ):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.List) or not node.elts:
                continue
            first = node.elts[0]
            word = str(first.value) if isinstance(first, ast.Constant) else ""
            if word.isalpha() and word.islower():
                found.add(word)
    return found


def test_what_names_the_folder_of_the_build_is_found(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/one.so").write_bytes(b"\x7fELF /home/me/build/lib\0")
    (tmp_path / "lib/other.so").write_bytes(b"\x7fELF /usr/lib\0")
    (tmp_path / "lib/link.so").symlink_to("one.so")
    assert list(traces.naming(Path("/home/me/build"), tmp_path)) == ["lib/one.so"]
