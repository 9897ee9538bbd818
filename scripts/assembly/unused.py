# SPDX-License-Identifier: Apache-2.0
"""What packages bring and nobody here uses: programs not started, libraries not loaded."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from scripts.completeness.libraries import needed
from scripts.completeness.programs import PATH

# For people at the debug shell, beside BusyBox; and what systemd starts without naming a path.
KEPT = """
agetty blkid busctl busybox depmod fsck fsck.ext4 halt init insmod ip journalctl kmod login
losetup lsmod mke2fs mkfs.ext4 modinfo modprobe networkctl poweroff python3 reboot resolvectl
rmmod shutdown sulogin systemctl systemd-analyze systemd-run systemd-tmpfiles udevadm
""".split()
# Where what starts programs is written.
STARTERS = (
    "etc/udev/rules.d",
    "usr/lib/mokanda",
    "usr/lib/systemd/system",
    "usr/lib/udev/rules.d",
    "usr/share/dbus-1",
)
# Loaded by name, and so named by no other file.
PLUGINS = (
    "engines-*",
    "libblkid.so*",
    "libbpf.so*",
    "libcrypt.so*",
    "libgcc_s.so*",
    "libkmod.so*",
    "liblzma.so*",
    "libmount.so*",
    "libpng16.so*",
    "libudev.so*",
    "libzstd.so*",
)
_LIBRARY = re.compile(r"lib.*\.so(\.|$)")
_PATH = re.compile(r"/(?:usr/)?s?bin/([\w.+-]+)")


def remove(programs: Iterable[str], root: Path) -> None:
    """Remove all programs but `programs`, those that files name and a few more; then libraries."""
    wanted = {*programs, *KEPT, *_started(root)}
    folders = [root / part for part in PATH if not (root / part).is_symlink()]
    found = {path.name: path for folder in folders for path in folder.iterdir()}
    waiting = sorted(wanted & found.keys())
    kept: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found and name not in kept:
            kept.add(name)
            if found[name].is_symlink():  # what it is called otherwise
                waiting.append(found[name].readlink().name)
    for name, path in found.items():
        if name not in kept:
            path.unlink()
    names = needed(root)
    while unloaded := list(_unloaded(names, root)):
        for path in unloaded:
            path.unlink()
            names.pop(path, None)


def _started(root: Path) -> Iterator[str]:
    """Names of programs that are in files which start some."""
    for part in STARTERS:
        for path in (root / part).rglob("*"):
            if path.is_file():
                yield from _PATH.findall(path.read_text(errors="replace"))


def _unloaded(names: Mapping[Path, list[str]], root: Path) -> Iterator[Path]:
    """Libraries that no program and no other library names; and their links."""
    loaded = {name for each in names.values() for name in each}
    there = _libraries(root)
    loaded |= {path.readlink().name for path in there if path.is_symlink() and path.name in loaded}
    for path in there:
        named = path.name in loaded or any(fnmatch.fnmatch(path.name, each) for each in PLUGINS)
        if not named:
            yield path


def _libraries(root: Path) -> list[Path]:
    """What lies where the loader looks; libraries for one program alone lie elsewhere."""
    places = [root / "usr/lib", *(root / "usr/lib").glob("*-linux-*/")]
    return [path for place in places for path in place.iterdir() if _LIBRARY.match(path.name)]
