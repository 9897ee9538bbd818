# SPDX-License-Identifier: Apache-2.0
"""What is left out of the root file system: unwanted packages, modules, what is never read."""

from __future__ import annotations

import io
import lzma
import shutil
import subprocess
import tarfile
from pathlib import Path

from scripts.engines.debian.archive import Archive
from scripts.engines.debian.lock import Deb
from scripts.recipes import System
from scripts.tools.steps import Log, StepError, say

# Never read on the device. Copyright files stay in the bill of materials of a release.
PRUNED = (
    "boot",
    "etc/apt",
    "etc/bash_completion.d",
    "etc/cron*",
    "etc/dpkg",
    "etc/init.d",
    "etc/initramfs-tools",
    "etc/kernel",
    "etc/logrotate.d",
    "etc/rc*.d",
    "usr/bin/tjbench",
    "usr/include",
    "usr/lib/*/gconv",
    "usr/lib/*/perl-base",
    "usr/lib/*/sasl2",
    "usr/lib/*/security/pam_userdb.so",
    "usr/lib/arm-trusted-firmware",
    "usr/lib/debug",
    "usr/lib/kernel",
    "usr/lib/linux-image-*",
    "usr/lib/python3*/ensurepip",
    "usr/lib/python3*/idlelib",
    "usr/lib/python3*/lib-dynload/_dbm.*",
    "usr/lib/python3*/lib2to3",
    "usr/lib/python3*/pydoc_data",
    "usr/lib/python3*/test",
    "usr/lib/python3*/tkinter",
    "usr/lib/python3*/turtledemo",
    "usr/lib/python3*/unittest",
    "usr/lib/systemd/catalog",
    "usr/lib/udev/hwdb.d",
    "usr/sbin/arpd",
    "usr/share/apport",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/debconf",
    "usr/share/debianutils",
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/fish",
    "usr/share/gcc",
    "usr/share/gdb",
    "usr/share/info",
    "usr/share/initramfs-tools",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/menu",
    "usr/share/perl*",
    "usr/share/pixmaps",
    "usr/share/python3",
    "usr/share/zsh",
    "var/*",
)


def leave_out(names: set[str], debs: list[Deb], archive: Archive, root: Path) -> list[Deb]:
    """Remove the files of unwanted packages; returns the packages that stay."""
    for deb in debs:
        if deb.name not in names:
            continue
        archived = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", archive.file(deb)], capture_output=True, check=True
        )
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as listing:
            for member in reversed(listing.getmembers()):
                path = root / member.name
                if not member.isdir():
                    path.unlink()
                elif path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
                    path.rmdir()
    unknown = names - {deb.name for deb in debs}
    if unknown:
        say(f"left out, but nothing asks for them: {', '.join(sorted(unknown))}")
    return [deb for deb in debs if deb.name not in names]


def prune_files(root: Path) -> None:
    """Remove what is never read on the device."""
    for pattern in PRUNED:
        for path in root.glob(pattern):
            _remove(path)


def prune_modules(system: System, root: Path, release: str, log: Log) -> None:
    """Keep the modules that recipes name and what those need, uncompressed."""
    configuration = (root / f"boot/config-{release}").read_text().splitlines()
    enabled = {
        line.partition("=")[0].removeprefix("CONFIG_"): line.partition("=")[2]
        for line in configuration
        if line.startswith("CONFIG_")
    }
    missing = [option for option in system.kernel if option not in enabled]
    if missing:
        raise StepError(f"Debian's kernel lacks {', '.join(missing)}")

    log.run("depmod", "--basedir", root, release)
    modules = root / "usr/lib/modules" / release
    needs: dict[str, list[str]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needs[path] = others.split()
    paths = {module_name(path): path for path in needs}
    keep: set[str] = set()
    for option, module in system.kernel.items():
        if not module or enabled[option] == "y":
            continue
        if module not in paths:
            raise StepError(f"Debian's kernel makes no module {module} of {option}")
        keep |= {paths[module], *needs[paths[module]]}
    for path in needs:
        packed = modules / path
        if path in keep:
            packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
        packed.unlink()
    for directory in sorted((modules / "kernel").rglob("*"), reverse=True):
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()
    log.run("depmod", "--basedir", root, release)


def module_name(path: str) -> str:
    """The name that modprobe knows a module file by."""
    return Path(path).name.split(".")[0].replace("-", "_")


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    else:
        shutil.rmtree(path)
