# SPDX-License-Identifier: Apache-2.0
"""A card in a file: flashing it, its SETUP partition, its boot environment."""

from __future__ import annotations

import os
import subprocess
import zlib
from pathlib import Path
from typing import Final

from scripts.assembly import layout
from scripts.tools.repository import TOOLBOX

CLAIM_NAME: Final = "mokanda-claim.toml"
# As large as the smallest card sold; QEMU wants a power of two.
CARD_SIZE: Final = 2 << 30


class CardError(Exception):
    """The card cannot be made or written; a sentence for people."""


def run_tool(*command: str | Path) -> str:
    """Run a program of the toolbox and return what it writes; raises CardError."""
    done = subprocess.run([TOOLBOX, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CardError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def flash(image: Path, card: Path) -> None:
    """Write `image` to a new card; only what is not zero takes place on the disk."""
    if not image.exists():
        raise CardError(f"there is no image {image}; make one with: make image")
    part = card.with_suffix(".part")
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", image, part], check=True)
    os.truncate(part, CARD_SIZE)
    part.rename(card)


def write_setup_file(card: Path, source: Path, name: str = CLAIM_NAME) -> None:
    """Put a file on the SETUP partition, as a laptop would; the card must not be in use."""
    run_tool("mcopy", "-o", "-i", f"{card}@@{layout.SETUP}", source, f"::{name}")


def read_environment(card: Path) -> dict[str, str]:
    """U-Boot's variables, of the copy that U-Boot would take."""
    return _newest_environment(card)[1]


def set_boot_variable(card: Path, name: str, value: str) -> None:
    """Change a variable of U-Boot, in both copies; the card must not be in use."""
    flags, variables = _newest_environment(card)
    variables[name] = value
    text = b"".join(f"{key}={word}".encode() + b"\0" for key, word in variables.items())
    content = text.ljust(layout.ENVIRONMENT_SIZE - 5, b"\0")
    copy = zlib.crc32(content).to_bytes(4, "little") + bytes([flags]) + content
    with card.open("r+b") as file:
        for offset in layout.ENVIRONMENT:
            file.seek(offset)
            file.write(copy)


def _newest_environment(card: Path) -> tuple[int, dict[str, str]]:
    """The flags of the newer copy that is whole, and its variables."""
    copies = []
    with card.open("rb") as file:
        for offset in layout.ENVIRONMENT:
            file.seek(offset)
            copy = file.read(layout.ENVIRONMENT_SIZE)
            if zlib.crc32(copy[5:]).to_bytes(4, "little") == copy[:4]:
                copies.append((copy[4], copy[5:]))
    if not copies:
        raise CardError(f"{card} has no whole copy of U-Boot's environment")
    # The flag counts up with each write, modulo 256.
    flags, content = max(copies, key=lambda copy: (copy[0] - copies[0][0] + 128) % 256)
    lines = content.split(b"\0\0", 1)[0].split(b"\0")
    return flags, dict(line.decode().split("=", 1) for line in lines if line)
