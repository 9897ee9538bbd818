# SPDX-License-Identifier: Apache-2.0
"""What every engine's root file system still needs: our settings, accounts, units, identity."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

from scripts.assembly import layout, unused
from scripts.assembly.prune import prune
from scripts.assembly.template import fill
from scripts.recipes import ROOT as RECIPES
from scripts.recipes import Soc, System
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError, say
from scripts.tools.tree import lay

OVERLAYS = (RECIPES / "root", REPOSITORY / "firmware/system")
# Files of the overlays in which the SoC's words are missing.
TEMPLATES = (
    "usr/lib/systemd/system/debug-shell.service.d/mokanda.conf",
    "usr/lib/systemd/system.conf.d/watchdog.conf",
)

# Commands for scripts and for people at the debug shell; what a package brings wins.
APPLETS = """
[ ash awk basename bzip2 cat chgrp chmod chown chroot clear cmp cp cut date dd df diff dirname
dmesg du echo env expr false find free grep gunzip gzip head hexdump hostname id kill killall less
ln ls mkdir mkfifo mknod mktemp more mv nslookup pidof ping printf ps pwd readlink realpath reset
rm rmdir sed seq sh sha256sum sleep sort stat stty sync tail tar tee test time timeout top touch
tr true truncate tty uname uniq uptime usleep vi wc wget which xargs yes zcat
""".split()

# Run by systemd at each boot before all else; others find nothing to do here.
GENERATORS = ("systemd-debug-generator",)
# Rules for devices that no board of ours has; udev reads every rule for every device.
UDEV_RULES_LEFT_OUT = (
    "60-autosuspend 60-cdrom_id 60-dmi-id 60-drm 60-evdev 60-fido-id 60-infiniband 60-input-id "
    "60-persistent-alsa 60-persistent-input 60-persistent-storage-mtd 60-persistent-storage-tape "
    "60-persistent-v4l 60-sensor 64-btrfs 64-ext4 70-camera 70-joystick 70-memory 70-mouse "
    "70-power-switch 70-touchpad 70-uaccess 71-seat 73-seat-late 75-probe_mtd 78-sound-card "
    "90-iocost 96-e2scrub"
).split()

# The packages' own are for a root file system that can be written, for logins and for desktops.
TMPFILES = ("dbus", "mokanda", "mokanda-image")

# Semantic Versioning's: three numbers, a pre-release, a build.
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")

# The same for every file of every build: what changes between two versions is content.
FILE_TIME = 1735689600  # 2025-01-01


def finish(
    system: System,
    root: Path,
    version: str,
    epoch: int,
    trusted: Path,
    setup: bytes,
    log: Log,
) -> None:
    """Turn an engine's tree into the root file system of an image; raises StepError.

    `trusted` has the keys of updates, `setup` is how an empty SETUP partition begins.
    """
    say("adding our own settings")
    prune(root)
    # What maintainer scripts or an engine enabled; only recipes do that.
    shutil.rmtree(root / "etc/systemd/system", ignore_errors=True)
    for overlay in OVERLAYS:
        if overlay.is_dir():
            lay(overlay, root)
    for name in TEMPLATES:
        file = root / name
        file.write_text(fill(file.read_text(), system.soc))
    unused.remove(system.needs_programs, root)
    _shell(root)
    _identity(system, root, version)
    _updates(system, root, version, trusted)
    _modules(system, root)
    (root / "usr/lib/mokanda/setup.img").write_bytes(setup)
    _accounts_and_units(system, root, log)
    _writable(root)
    _owned_by_root(root)
    _times(root, epoch)


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
    (root / "etc/issue").write_text(f"Mokanda {version}\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 mokanda\n::1 localhost\n")
    (root / "etc/machine-id").write_text("")  # the initramfs puts the board's own over it


def _updates(system: System, root: Path, version: str, trusted: Path) -> None:
    """RAUC: the two slots, and whose bundles it takes."""
    directory = root / "etc/rauc"
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(trusted, directory / "keyring.pem")
    (directory / "system.conf").write_text(rauc_configuration(system, version))
    (root / "etc/fw_env.config").write_text(environment_places(system.soc))


def rauc_configuration(system: System, version: str) -> str:
    """RAUC's system.conf; nothing older than this image's `version` is installed over it.

    A slot that is started for the first time has three tries; one that has proved itself gets
    nine, for power cuts before its proof must not take it away.

    Raises:
        StepError: the version is none of Semantic Versioning, which RAUC compares by.
    """
    if not _VERSION.fullmatch(version):
        raise StepError(f"version {version!r} is not as semver.org has it: 1.2.3, or 1.2.3-dev+4")
    slots = "".join(
        f"""
[slot.system.{number}]
device=/dev/{system.soc.card_device}p{number + 2}
type=raw
bootname={name}
"""
        for number, name in enumerate(layout.SLOTS)
    )
    return f"""[system]
compatible={system.compatible}
bootloader=uboot
boot-attempts=9
boot-attempts-primary=3
bundle-formats=verity
min-bundle-version={version.partition("+")[0]}
data-directory=/data/rauc

[keyring]
path=keyring.pem
use-bundle-signing-time=true
check-crl=true
{slots}"""


def environment_places(soc: Soc) -> str:
    """Where the copies of U-Boot's environment are (fw_env.config)."""
    return "".join(
        f"/dev/{soc.card_device} {offset:#x} {layout.ENVIRONMENT_SIZE:#x}\n"
        for offset in layout.ENVIRONMENT
    )


def _modules(system: System, root: Path) -> None:
    """Drivers by name, for mokanda-drivers.service."""
    late = root / "usr/lib/mokanda/late-modules"
    late.parent.mkdir(exist_ok=True)
    late.write_text("".join(f"{name}\n" for name in system.modules_late))


def _accounts_and_units(system: System, root: Path, log: Log) -> None:
    """What maintainer scripts do elsewhere: accounts, enabled units; nothing else is enabled."""
    for name in ("passwd", "group", "shadow", "gshadow"):
        (root / "etc" / name).unlink(missing_ok=True)
    log.run("systemd-sysusers", f"--root={root}")
    _lock_accounts(root)
    places = [root / "etc/systemd/system", root / "usr/lib/systemd/system"]
    for unit in system.services_enable:
        name, at, _ = unit.partition("@")
        file = f"{name}@{Path(unit).suffix}" if at else unit
        if not any((place / file).exists() for place in places):
            raise StepError(f"recipes enable {unit}, but nothing in the image brings that unit")
    for wanted in (root / "usr/lib/systemd/system").glob("*.wants/*"):
        if wanted.name not in system.services_enable:
            wanted.unlink()
    for generator in (root / "usr/lib/systemd/system-generators").iterdir():
        if generator.name not in GENERATORS:
            generator.unlink()
    for path in (root / "usr/lib/tmpfiles.d").glob("*.conf"):
        if path.stem not in TMPFILES:
            path.unlink()
    for rules in UDEV_RULES_LEFT_OUT:
        (root / f"usr/lib/udev/rules.d/{rules}.rules").unlink(missing_ok=True)
    preset = root / "usr/lib/systemd/system-preset/00-mokanda.preset"
    preset.parent.mkdir(parents=True, exist_ok=True)
    preset.write_text(
        "".join(f"enable {unit}\n" for unit in system.services_enable) + "disable *\n"
    )
    log.run("systemctl", f"--root={root}", "preset-all")
    if system.services_mask:
        log.run("systemctl", f"--root={root}", "mask", *system.services_mask)


def _lock_accounts(root: Path) -> None:
    """Nobody has a password, from a day that is the same for every build; root's shell exists."""
    names = [line.split(":")[0] for line in (root / "etc/passwd").read_text().splitlines()]
    day = FILE_TIME // 86400
    (root / "etc/shadow").write_text("".join(f"{name}:!*:{day}::::::\n" for name in names))
    passwd = root / "etc/passwd"
    passwd.write_text(passwd.read_text().replace(":/root:/bin/bash\n", ":/root:/bin/sh\n"))


def _writable(root: Path) -> None:
    """Mount points, and links from where programs write to where they can."""
    for directory in ("data", "dev", "proc", "run", "sys", "tmp", "var", "root", "mnt"):
        (root / directory).mkdir(exist_ok=True)
    (root / "root").chmod(0o700)
    for link, target in (
        ("etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf"),
        ("etc/mtab", "../proc/self/mounts"),
        ("etc/systemd/system/default.target", "/usr/lib/systemd/system/multi-user.target"),
    ):
        (root / link).unlink(missing_ok=True)
        (root / link).symlink_to(target)


def _owned_by_root(root: Path) -> None:
    """Nobody else owns a file, and no program runs as another than who starts it.

    The accounts are made anew: what an engine gave to one of its own would be a stranger's.
    """
    for path in [root, *root.rglob("*")]:
        os.chown(path, 0, 0, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & (stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO))


def _times(root: Path, epoch: int) -> None:
    for path in [root, *root.rglob("*")]:
        os.utime(path, (FILE_TIME, FILE_TIME), follow_symlinks=False)
    # A board without a clock starts no earlier than this (systemd reads its time).
    clock = root / "usr/lib/clock-epoch"
    clock.touch()
    os.utime(clock, (epoch, epoch))
    os.utime(clock.parent, (FILE_TIME, FILE_TIME))
