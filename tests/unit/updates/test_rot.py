# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from mokanda_firmware.updates import rot
from mokanda_firmware.updates.rot import is_met, unreadable_file

ROTTEN = "device-mapper: verity: 179:2: data block 5043 is corrupted"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The files of a system; those in `lost` cannot be read."""
    root = tmp_path / "root"
    for name in ("etc/hosts", "usr/bin/python3", "usr/lib/libc.so.6"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")
    (root / "etc/mtab").symlink_to("../nowhere")
    return root


def let_kernel_say(words: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "bin" / "journalctl"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'Booting Linux'\necho '{words}'\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


def lose(lost: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rot, "_can_be_read", lambda path: path != lost)


def test_an_input_error_is_what_rot_looks_like(root: Path) -> None:
    assert rot._can_be_read(root / "etc/hosts")
    assert not rot._can_be_read(Path("/proc/self/mem"))


def test_a_file_that_has_rotted_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(root / "usr/bin/python3", monkeypatch)
    assert unreadable_file(root) == root / "usr/bin/python3"


def test_what_has_rotted_may_be_no_file_s(root: Path) -> None:
    assert unreadable_file(root) is None


@pytest.mark.parametrize(
    ("words", "met"), [(ROTTEN, True), ("", False), ("mmc0: cannot be read", False)]
)
def test_the_kernel_tells_of_rot_that_it_has_met(
    device: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    met: bool,
) -> None:
    let_kernel_say(words, device, monkeypatch)
    assert is_met() is met
