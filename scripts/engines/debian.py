# SPDX-License-Identifier: Apache-2.0
"""The Debian engine: binary packages by extraction, nothing of the target is run.

Packages are those of the lock. What maintainer scripts would do on a running system is done here,
by its effect (certificates, modules), or by the assembly (accounts, presets).
"""

from __future__ import annotations

import hashlib
import io
import lzma
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from scripts.engines import Built
from scripts.engines.debian_archive import Archive
from scripts.engines.debian_lock import LOCK, Deb, Lock, Selection, digest, read
from scripts.recipes import ROOT as RECIPES
from scripts.recipes import System
from scripts.steps import Log, StepError, say

# Two packages that bring the same file are an error; owners are those of base-passwd.
UNPACK = """root=$1
shift
for deb in "$@"; do
  dpkg-deb --fsys-tarfile "$deb" | tar --extract --directory="$root" --numeric-owner \
    --keep-directory-symlink --keep-old-files
done
"""

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
    "usr/include",
    "usr/lib/*/gconv",
    "usr/lib/*/perl-base",
    "usr/lib/debug",
    "usr/lib/kernel",
    "usr/lib/linux-image-*",
    "usr/lib/python3*/ensurepip",
    "usr/lib/python3*/idlelib",
    "usr/lib/python3*/lib2to3",
    "usr/lib/python3*/pydoc_data",
    "usr/lib/python3*/test",
    "usr/lib/python3*/tkinter",
    "usr/lib/python3*/turtledemo",
    "usr/lib/python3*/unittest",
    "usr/lib/systemd/catalog",
    "usr/lib/udev/hwdb.d",
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


def build(system: System, work: Path, cache: Path, log: Log) -> Built:
    """Make the root file system of an image in `work`; raises StepError."""
    archive = Archive(cache, system.soc.architecture, log)
    lock, locked = obtain(system, read(), archive)
    debs = lock.select(system.board.name, system.debian_packages)
    extracted = extract(archive, debs, work / "extracted", log)

    say("pruning to what the recipes name")
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    log.run("cp", "--archive", extracted, root)
    debs = _leave_out(set(system.debian_without), debs, archive, root)
    release = _kernel_release(root)
    kernel, device_tree, busybox = work / "kernel", work / "board.dtb", work / "busybox"
    shutil.copy(root / f"boot/vmlinuz-{release}", kernel)
    shutil.copy(_device_tree(system, root / f"usr/lib/linux-image-{release}"), device_tree)
    shutil.copy(root / "usr/bin/busybox", busybox)
    _prune_modules(system, root, release, log)
    for pattern in PRUNED:
        for path in root.glob(pattern):
            _remove(path)
    _certificates(root)
    _alternatives(root)
    return Built(
        root=root,
        kernel=kernel,
        kernel_release=release,
        device_tree=device_tree,
        busybox=busybox,
        packages=[deb.package for deb in debs],
        suites=dict(lock.suites),
        security=lock.security,
        locked=locked,
    )


def resolve(systems: Iterable[System], archive: Archive) -> Lock:
    """What the images of some systems, of the archive's architecture, take as the mirror is now.

    Raises StepError.
    """
    say("asking the mirror what is new")
    suites = archive.update()
    boards = {
        system.board.name: Selection(
            digest(system.debian_packages),
            frozenset(archive.resolve(suites.values(), system.debian_packages)),
        )
        for system in systems
    }
    return Lock({suite: archive.date(suite) for suite in suites}, boards)


def obtain(system: System, lock: Lock | None, archive: Archive) -> tuple[Lock, bool]:
    """Fetch what an image is made of; returns it, and whether it is what the lock names.

    Where the mirror has no longer what the lock names, it is what the mirror has now. Raises
    StepError where neither can be had, or the recipes ask for more than the lock holds.
    """
    if lock is None:
        raise StepError(f"there is no {LOCK.relative_to(RECIPES.parent)}: run make lock")
    missing = archive.fetch(lock.select(system.board.name, system.debian_packages))
    if not missing:
        return lock, True
    say(f"WARNING: {LOCK.name} names what cannot be had from the mirror: {_named(missing)}")
    say("WARNING: this image gets what the mirror has now; run make lock to mend that")
    lock = resolve([system], archive)
    missing = archive.fetch(lock.select(system.board.name, system.debian_packages))
    if missing:
        raise StepError(f"these cannot be had from the mirror; try later: {_named(missing)}")
    return lock, False


def _named(debs: list[Deb]) -> str:
    """Packages and their versions in a line, the first ten."""
    more = [f"and {len(debs) - 10} more"] if len(debs) > 10 else []
    return ", ".join([*(f"{deb.name} {deb.version}" for deb in debs[:10]), *more])


def extract(archive: Archive, debs: list[Deb], extracted: Path, log: Log) -> Path:
    """Unpack packages that were fetched, unless that was done already; raises StepError."""
    wanted = hashlib.sha256(repr(debs).encode()).hexdigest()
    stamp = extracted.with_suffix(".stamp")
    if extracted.is_dir() and stamp.exists() and stamp.read_text() == wanted:
        say(f"the {len(debs)} packages are unpacked already")
        return extracted
    say(f"unpacking {len(debs)} packages")
    stamp.unlink(missing_ok=True)
    shutil.rmtree(extracted, ignore_errors=True)
    extracted.mkdir()
    # First what makes /bin, /lib and /sbin links into /usr.
    first = sorted(debs, key=lambda deb: (deb.name != "base-files", deb))
    log.run(
        *("bash", "-euo", "pipefail", "-c", UNPACK, "unpack", extracted),
        *(archive.file(deb) for deb in first),
    )
    stamp.write_text(wanted)
    return extracted


def _leave_out(names: set[str], debs: list[Deb], archive: Archive, root: Path) -> list[Deb]:
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


def _kernel_release(root: Path) -> str:
    releases = [path.name for path in (root / "usr/lib/modules").iterdir()]
    if len(releases) != 1:
        raise StepError(f"expected one kernel, found {releases or 'none'}")
    return releases[0]


def _device_tree(system: System, folder: Path) -> Path:
    """The board's device tree, which Debian has with the maker's folder or without."""
    name = f"{system.board.device_tree}.dtb"
    for file in (folder / name, folder / Path(name).name):
        if file.exists():
            return file
    raise StepError(f"the kernel package has no device tree {system.board.device_tree}")


def _prune_modules(system: System, root: Path, release: str, log: Log) -> None:
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


def _certificates(root: Path) -> None:
    """One file of all certificate authorities, where OpenSSL and GnuTLS look."""
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text("".join(path.read_text().rstrip("\n") + "\n" for path in authorities))
    link = root / "usr/lib/ssl/cert.pem"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to("/etc/ssl/certs/ca-certificates.crt")
    shutil.rmtree(root / "usr/share/ca-certificates", ignore_errors=True)


def _alternatives(root: Path) -> None:
    """The links that update-alternatives would set."""
    for name in ("regulatory.db", "regulatory.db.p7s"):
        if (root / f"usr/lib/firmware/{name}-debian").exists():
            (root / f"usr/lib/firmware/{name}").symlink_to(f"{name}-debian")


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    else:
        shutil.rmtree(path)
