# SPDX-License-Identifier: Apache-2.0
"""What is left out of the root file system: unwanted packages and modules."""

from __future__ import annotations

import io
import lzma
import struct
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from scripts.engines.debian.archive import Archive
from scripts.engines.debian.lock import Deb
from scripts.recipes import System
from scripts.tools.steps import Log, StepError, say

# How a signed module ends: linux/include/linux/module_signature.h.
_SIGNED: Final = b"~Module signature appended~\n"
_SIGNATURE: Final = struct.Struct(">8xI")  # the length of what lies before it


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


def prune_modules(system: System, root: Path, release: str, log: Log) -> None:
    """Keep the modules that recipes name and what those need, uncompressed and unsigned."""
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
            packed.with_suffix("").write_bytes(unsigned(lzma.decompress(packed.read_bytes())))
        packed.unlink()
    for directory in sorted((modules / "kernel").rglob("*"), reverse=True):
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()
    log.run("depmod", "--basedir", root, release)


def unsigned(module: bytes) -> bytes:
    """Take the signature off a module, if it has one.

    A slow board verifies one in a thirtieth of a second, and a boot loads fifty modules; what they
    are read from has been verified already.
    """
    if not module.endswith(_SIGNED):
        return module
    end = len(module) - len(_SIGNED) - _SIGNATURE.size
    [length] = _SIGNATURE.unpack_from(module, end)
    if length > end:
        raise StepError("a module's signature is longer than the module")
    return module[: end - length]


def module_name(path: str) -> str:
    """The name that modprobe knows a module file by."""
    return Path(path).name.split(".")[0].replace("-", "_")
