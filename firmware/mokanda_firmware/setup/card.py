# SPDX-License-Identifier: Apache-2.0
"""What lies on the SETUP partition, as laptops write it, and read it."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Make a partition that is mounted read-only writable for a moment.

    Raises:
        OSError, subprocess.SubprocessError: it cannot be written.
    """
    read_only = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    if read_only:
        _remount(folder, "rw")
    try:
        yield
    finally:
        if read_only:
            _remount(folder, "ro")


def replace(file: Path, content: bytes) -> None:
    """Replace a file of a partition that is writable: a power cut leaves the old one or the new."""
    temporary = file.with_name("mokanda.new")
    temporary.write_bytes(content)
    temporary.replace(file)
    os.sync()


def decode(content: bytes) -> str:
    """Decode a file as an editor saved it: UTF-8, or UTF-16 with its mark.

    Raises:
        UnicodeError: it is no text.
    """
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if utf_16 else "utf-8")


def for_laptops(text: str) -> bytes:
    """Return a text as any laptop's simplest editor shows it."""
    return text.replace("\n", "\r\n").encode()


def _remount(folder: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(folder)], check=True)
