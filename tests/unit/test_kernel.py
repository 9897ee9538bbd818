# SPDX-License-Identifier: Apache-2.0
"""A zImage is taken apart, and what was in it is laid into the slot."""

import gzip
import lzma
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from mokanda_firmware.updates.deflate import PIECE
from scripts.assembly import kernel
from scripts.emulator.card import run_tool
from scripts.recipes import load
from scripts.tools.steps import StepError
from tests import recipes

LINUX = bytes(random.Random(1).choices(b"\0\1\2\3abcdefg", k=2 * PIECE + 777))
CLEARED, OFFSET = 0x6ACE8, 0x208000
MAGICS = b"\xfd7zXZ\0 and \x1f\x8b\x08 are words that code which unpacks has, too."


def xz(content: bytes) -> bytes:
    """As Linux packs itself: behind that, how much it comes to."""
    return lzma.compress(content) + len(content).to_bytes(4, "little")


def z_image(
    pack: Callable[[bytes], bytes] = xz,
    *,
    magic: int = 0x016F2818,
    kind: int = 0x5A534C4B,
    offset: int = OFFSET,
) -> bytes:
    """As head.S and vmlinux.lds.S of Linux lay it out; where it runs, nobody reads it."""
    packed = pack(LINUX)
    start = 0x40 + len(MAGICS)
    end = start + len(packed)
    head = struct.pack("<6I", magic, 0, end, 0x04030201, 0x45454545, end)
    table = struct.pack("<7I", 6, kind, end - 4, CLEARED, offset, 0x10000, 0)
    return bytes(36) + head + bytes(4) + MAGICS + packed + table + b"what unpacks it"


@pytest.mark.parametrize("pack", [xz, gzip.compress])
def test_what_unpacks_itself_is_unpacked(pack: Callable[[bytes], bytes]) -> None:
    assert kernel.unpack(z_image(pack)) == (LINUX, OFFSET, len(LINUX) + CLEARED)


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (b"", "cut"),
        (z_image()[:2000], "cut"),
        (bytes(4096), "no zImage"),
        (z_image(magic=0), "no zImage"),
        (z_image(kind=0), "does not say"),
        (z_image(lambda content: content[:-4] + bytes(4)), "neither by xz nor by gzip"),
        (z_image(lambda content: xz(content[:-1])[:-4] + b"\1\2\3\0"), "neither by xz nor by gzip"),
    ],
)
def test_what_cannot_be_unpacked_makes_no_image(image: bytes, complaint: str) -> None:
    with pytest.raises(StepError, match=complaint):
        kernel.unpack(image)


def test_it_goes_to_where_it_would_have_unpacked_itself(tmp_path: Path) -> None:
    (tmp_path / "zImage").write_bytes(z_image())
    made = kernel.prepare(load("orangepi-zero").soc, tmp_path / "zImage", tmp_path)
    assert made.address == 0x40208000
    assert gzip.decompress(made.packed.read_bytes()) == LINUX
    assert made.starter


def test_what_starts_it_goes_on_to_it(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.write_bytes(kernel.jump(0x40208000))
    told = run_tool("arm-linux-gnueabihf-objdump", "-b", "binary", "-m", "arm", "-D", code)
    assert "ldr\tpc, [pc, #-4]\t@ 0x4" in told
    assert code.read_bytes()[4:] == bytes.fromhex("00802040")


def test_a_kernel_that_would_lie_over_what_starts_it_makes_no_image(tmp_path: Path) -> None:
    (tmp_path / "zImage").write_bytes(z_image(offset=0x1F80000))
    with pytest.raises(StepError, match="would lie over 0x42000000"):
        kernel.prepare(load("orangepi-zero").soc, tmp_path / "zImage", tmp_path)


def test_one_that_u_boot_starts_by_itself_needs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "Image").write_bytes(LINUX)
    soc = load("a-board", recipes.write(tmp_path / "recipes")).soc
    made = kernel.prepare(soc, tmp_path / "Image", tmp_path)
    assert (made.address, made.starter) == (soc.kernel_address, None)
    assert gzip.decompress(made.packed.read_bytes()) == LINUX
