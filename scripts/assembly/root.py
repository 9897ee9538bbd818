# SPDX-License-Identifier: Apache-2.0
"""What every engine's root file system still needs: our own code, accounts, units, identity."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scripts.assembly import layout
from scripts.recipes import ROOT as RECIPES
from scripts.recipes import System
from scripts.steps import Log, StepError, say

REPOSITORY = RECIPES.parent
OVERLAYS = (RECIPES / "root", REPOSITORY / "firmware/system")
PYTHON = ("wire/mokanda_wire", "firmware/mokanda_firmware")

# Commands for scripts and for people at the debug shell; what a package brings wins.
APPLETS = """[ ash awk basename bzip2 cat chgrp chmod chown chroot clear cmp cp cut date dd df diff dirname
du echo env expr false find free grep gunzip gzip head hexdump hostname id kill killall less ln ls
mkdir mkfifo mknod mktemp more mv nslookup pidof ping printf ps pwd readlink realpath reset rm rmdir
sed seq sh sha256sum sleep sort stat stty sync tail tar tee test time timeout top touch tr true
truncate tty uname uniq uptime usleep vi wc wget which xargs yes zcat""".split()

# The same for every file of every build: what changes between two versions is content.
FILE_TIME = 1735689600  # 2025-01-01


def finish(system: System, root: Path, version: str, epoch: int, certificate: Path, log: Log) -> None:
    """Turn an engine's tree into the root file system of an image; raises StepError."""
    say("adding our own code and settings")
    for overlay in OVERLAYS:
        if overlay.is_dir():
            shutil.copytree(overlay, root, symlinks=True, dirs_exist_ok=True)
    _python(root, log)
    _shell(root)
    _identity(system, root, version)
    _updates(system, root, certificate)
    _accounts_and_units(system, root, log)
    _writable(root)
    _times(root, epoch)


def _python(root: Path, log: Log) -> None:
    """Our packages, and all Python code compiled: the read-only root cannot keep it."""
    libraries = root / "usr/lib/python3/dist-packages"
    for package in PYTHON:
        shutil.copytree(
            REPOSITORY / package,
            libraries / Path(package).name,
            ignore=shutil.ignore_patterns("__pycache__", "tests"),
            dirs_exist_ok=True,
        )
    for path in (libraries, *sorted((root / "usr/lib").glob("python3.*"))):
        log.run(
            *("python3", "-m", "compileall", "-q", "-f", "-j2"),
            *("--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/", path),
        )


def _shell(root: Path) -> None:
    for applet in APPLETS:
        link = root / "usr/bin" / applet
        if not (link.exists() or link.is_symlink() or (root / "usr/sbin" / applet).exists()):
            link.symlink_to("busybox")


def _identity(system: System, root: Path, version: str) -> None:
    (root / "usr/lib/os-release").write_text(
        f"""NAME="Mokanda"
ID=mokanda
VERSION_ID="{version}"
PRETTY_NAME="Mokanda {version}"
VARIANT_ID="{system.board.name}"
"""
    )
    (root / "etc/hostname").write_text("mokanda\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 mokanda\n::1 localhost\n")
    (root / "etc/machine-id").write_text("")  # the initramfs puts the board's own over it


def _updates(system: System, root: Path, certificate: Path) -> None:
    """RAUC: the two slots, and whose bundles it takes."""
    directory = root / "etc/rauc"
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(certificate, directory / "keyring.pem")
    slots = "".join(
        f"""
[slot.system.{number}]
device=/dev/mmcblk0p{number + 2}
type=raw
bootname={name}
"""
        for number, name in enumerate(layout.SLOTS)
    )
    (directory / "system.conf").write_text(
        f"""[system]
compatible={system.compatible}
bootloader=uboot
bundle-formats=verity
data-directory=/data/rauc

[keyring]
path=keyring.pem
use-bundle-signing-time=true
{slots}"""
    )
    (root / "etc/fw_env.config").write_text(
        "".join(
            f"/dev/mmcblk0 {offset:#x} {layout.ENVIRONMENT_SIZE:#x}\n"
            for offset in layout.ENVIRONMENT
        )
    )


def _accounts_and_units(system: System, root: Path, log: Log) -> None:
    """What maintainer scripts do elsewhere: accounts, enabled units; nothing else is enabled."""
    for name in ("passwd", "group", "shadow", "gshadow"):
        (root / "etc" / name).unlink(missing_ok=True)
    log.run("systemd-sysusers", f"--root={root}")
    units = [*system.services_enable, *system.services_mask]
    places = [root / "etc/systemd/system", root / "usr/lib/systemd/system"]
    for unit in system.services_enable:
        template = unit.replace(unit[unit.find("@") + 1 : unit.rfind(".")], "") if "@" in unit else unit
        if not any((place / template).exists() for place in places):
            raise StepError(f"recipes enable {unit}, but nothing in the image brings that unit")
    preset = root / "usr/lib/systemd/system-preset/00-mokanda.preset"
    preset.parent.mkdir(parents=True, exist_ok=True)
    preset.write_text(
        "".join(f"enable {unit}\n" for unit in system.services_enable) + "disable *\n"
    )
    shutil.rmtree(root / "etc/systemd/system", ignore_errors=True)
    for overlay in OVERLAYS:
        if (overlay / "etc/systemd/system").is_dir():
            shutil.copytree(
                overlay / "etc/systemd/system",
                root / "etc/systemd/system",
                symlinks=True,
                dirs_exist_ok=True,
            )
    log.run("systemctl", f"--root={root}", "preset-all")
    if system.services_mask:
        log.run("systemctl", f"--root={root}", "mask", *system.services_mask)
    del units


def _writable(root: Path) -> None:
    """Mount points, and links from where programs write to where they can."""
    for directory in ("data", "dev", "proc", "run", "sys", "tmp", "var", "root", "mnt"):
        (root / directory).mkdir(exist_ok=True)
    (root / "root").chmod(0o700)
    for link, target in (
        ("etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf"),
        ("etc/mtab", "/proc/self/mounts"),
    ):
        (root / link).unlink(missing_ok=True)
        (root / link).symlink_to(target)


def _times(root: Path, epoch: int) -> None:
    for path in [root, *root.rglob("*")]:
        os.utime(path, (FILE_TIME, FILE_TIME), follow_symlinks=False)
    # A board without a clock starts no earlier than this (systemd reads its time).
    clock = root / "usr/lib/clock-epoch"
    clock.touch()
    os.utime(clock, (epoch, epoch))
    os.utime(clock.parent, (FILE_TIME, FILE_TIME))
