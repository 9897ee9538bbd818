# SPDX-License-Identifier: Apache-2.0
"""What `make reproduce` says where two builds differ; mksquashfs and mkimage are the toolbox's."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts.assembly import card, layout
from scripts.tools.repository import TOOLBOX
from tests.bench.difference import first_difference


def run(*command: str | Path) -> None:
    subprocess.run([TOOLBOX, *command], check=True, capture_output=True)


def a_root(folder: Path, name: str, **texts: str) -> Path:
    """A root file system with files of this content."""
    root = folder / f"{name}-root"
    root.mkdir()
    for file, text in texts.items():
        (root / file).write_text(text)
    for path in [root, *root.rglob("*")]:
        os.utime(path, (0, 0))
    image = folder / f"{name}.squashfs"
    run(*card.squash_command(root, image))
    return image


def a_fit(folder: Path, name: str, kernel: bytes, initramfs: bytes) -> Path:
    """A FIT image of two parts."""
    parts = {"kernel": kernel, "initramfs": initramfs}
    for part, content in parts.items():
        (folder / f"{name}-{part}").write_bytes(content)
    nodes = "".join(
        f'{part} {{ data = /incbin/("{folder}/{name}-{part}"); type = "ramdisk"; '
        'compression = "none"; };'
        for part in parts
    )
    source, image = folder / f"{name}.its", folder / f"{name}.itb"
    source.write_text(f'/dts-v1/; / {{ description = "x"; images {{ {nodes} }}; }};')
    run("env", "SOURCE_DATE_EPOCH=0", "mkimage", "-f", source, image)
    return image


def test_equal_files_have_no_difference(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"the same")
    assert first_difference(tmp_path / "a", tmp_path / "b") is None


def test_the_file_of_a_root_file_system_is_named(tmp_path: Path) -> None:
    one = a_root(tmp_path, "one", hosts="a", motd="welcome")
    two = a_root(tmp_path, "two", hosts="a", motd="go away")
    assert first_difference(one, two) == "content of motd"


def test_a_file_that_only_one_root_file_system_has_is_named(tmp_path: Path) -> None:
    one = a_root(tmp_path, "one", hosts="a")
    two = a_root(tmp_path, "two", hosts="a", motd="welcome")
    assert first_difference(one, two) == "motd is in one of them only"


def test_the_part_of_a_fit_image_is_named(tmp_path: Path) -> None:
    one = a_fit(tmp_path, "one", b"kernel", b"initramfs")
    two = a_fit(tmp_path, "two", b"kernel", b"another")
    assert first_difference(one, two) == "initramfs"


@pytest.mark.parametrize(
    ("at", "place"),
    [
        (0, "partition table"),
        (8192, "U-Boot"),
        (layout.ENVIRONMENT[1], "U-Boot's environment"),
        (layout.SLOTS["B"] + layout.FIT, "partition 3 (slot B), FIT image"),
        (layout.DATA + 7, "partition 4 (data)"),
    ],
)
def test_the_place_on_a_card_is_named(tmp_path: Path, at: int, place: str) -> None:
    for name, content in (("one", b"\1"), ("two", b"\2")):
        with (tmp_path / name).open("wb") as file:
            file.seek(at)
            file.write(content)
            file.truncate(layout.CARD_SIZE)
    assert first_difference(tmp_path / "one", tmp_path / "two") == f"{place}, byte {at}"
