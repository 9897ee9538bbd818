# SPDX-License-Identifier: Apache-2.0
"""Programs of a root file system, run: those of another architecture by QEMU."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.completeness.programs import find

EMULATORS = {"armhf": "qemu-arm", "arm64": "qemu-aarch64"}  # by Debian's name of what they run
SECONDS = 300  # an import of all our code takes 20 s on a slow machine
PACKAGES = ("usr/lib/python3/dist-packages", "usr/lib/python3.*/site-packages")
OURS = ("mokanda_firmware", "mokanda_wire")

# What a program may see: devices, processes, and a place of its own to write to.
_ENTER = """set -euo pipefail
root=$1 emulator=$2 program=$3
shift 3
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
cp "$(command -v "$emulator")" "$root/run/emulator"
exec env -i HOME=/tmp LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin \
  chroot "$root" /run/emulator "$program" "$@"
"""
_IMPORT = """import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        print(f"{name}: {error!r}")
print("imported")
"""


def wrong(answers: Mapping[str, str], architecture: str, root: Path) -> Iterator[str]:
    """Complaints about commands that do not answer as they must, and modules that lack something.

    `answers` has, by command, a pattern that must be found in what it says.
    """
    emulator = EMULATORS[architecture]
    for command, pattern in answers.items():
        said = run(shlex.split(command), emulator, root)
        if not re.search(pattern, said):
            yield f"{command}: {said.strip()[-300:] or 'says nothing'}, not {pattern!r}"
    ours = modules(root)
    if not ours:
        yield "none of our code is there"
    said = run(["python3", "-c", _IMPORT, *ours], emulator, root)
    if said.strip() != "imported":
        yield from said.replace("\nimported", "").splitlines()


def modules(root: Path) -> list[str]:
    """All modules of ours, sorted."""
    names = set()
    for libraries in (path for pattern in PACKAGES for path in root.glob(pattern)):
        for path in (path for package in OURS for path in (libraries / package).rglob("*.pyc")):
            name = ".".join(path.relative_to(libraries).with_suffix("").parts)
            names.add(name.removesuffix(".__init__"))
    return sorted(names)


def run(command: list[str], emulator: str, root: Path) -> str:
    """Run a program of the root file system; returns all that it says, as text."""
    program = find(command[0], root)
    if program is None:
        return "no such program"
    inside = f"/{program.relative_to(root)}"
    done = subprocess.run(
        [
            "unshare",
            "--mount",
            "--propagation=unchanged",
            "bash",
            "-c",
            _ENTER,
            "enter",
            root,
            emulator,
            inside,
            *command[1:],
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.stdout
