# SPDX-License-Identifier: Apache-2.0
"""The Debian engine: binary packages by extraction, nothing of the target is run.

mmdebstrap fetches and unpacks; what maintainer scripts would do on a running system is done
here, by its effect (certificates, modules), or by the assembly (accounts, presets).
"""

from __future__ import annotations

import hashlib
import io
import lzma
import shutil
import subprocess
import tarfile
from pathlib import Path

from scripts.engines import Built, Package
from scripts.engines.debian_archive import Archive
from scripts.recipes import System
from scripts.steps import Log, StepError, say

ARCHITECTURE = "armhf"
KERNEL = "linux-image-armmp"

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
    archive = Archive(cache, ARCHITECTURE, log)
    say("asking the mirror what is new")
    sources = archive.update()
    include = [*system.debian_packages, KERNEL]
    packages = archive.plan(sources, include)
    extracted = _extract(archive, sources, include, packages, work / "extracted", log)

    say("pruning to what the recipes name")
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    log.run("cp", "--archive", extracted, root)
    packages = _leave_out(set(system.debian_without), packages, archive, root)
    release = _kernel_release(root)
    kernel, device_tree, busybox = work / "zImage", work / "board.dtb", work / "busybox"
    shutil.copy(root / f"boot/vmlinuz-{release}", kernel)
    tree = root / f"usr/lib/linux-image-{release}/{system.board.device_tree}.dtb"
    if not tree.exists():
        raise StepError(f"the kernel package has no device tree {system.board.device_tree}")
    shutil.copy(tree, device_tree)
    shutil.copy(root / "usr/bin/busybox", busybox)
    _prune_modules(system, root, release, log)
    for pattern in PRUNED:
        for path in root.glob(pattern):
            _remove(path)
    _certificates(root)
    _alternatives(root)
    suites = [source.split()[3] for source in sources]
    return Built(
        root=root,
        kernel=kernel,
        kernel_release=release,
        device_tree=device_tree,
        busybox=busybox,
        packages=packages,
        suites=suites,
        security=any(suite.endswith("-security") for suite in suites),
    )


def _extract(
    archive: Archive,
    sources: list[str],
    include: list[str],
    packages: list[Package],
    extracted: Path,
    log: Log,
) -> Path:
    """Unpack the packages and what they depend on, unless that was done already."""
    wanted = hashlib.sha256(repr(packages).encode()).hexdigest()
    stamp = extracted.with_suffix(".stamp")
    if extracted.is_dir() and stamp.exists() and stamp.read_text() == wanted:
        say(f"the {len(packages)} packages are unpacked already")
        return extracted
    say(f"downloading {len(packages)} packages, as far as they are new")
    archive.download(sources, include)
    say("unpacking them")
    stamp.unlink(missing_ok=True)
    shutil.rmtree(extracted, ignore_errors=True)
    files = " ".join(f"'{archive.file(package)}'" for package in packages)
    log.run(
        "mmdebstrap",
        "--mode=root",
        "--variant=extract",
        f"--architectures={ARCHITECTURE}",
        f"--include={','.join(include)}",
        '--aptopt=APT::Install-Recommends "false"',
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        "--skip=check/qemu,update,cleanup/apt",
        '--setup-hook=mkdir -p "$1"/var/cache/apt/archives/partial "$1"/var/lib/apt/lists/partial',
        f'--setup-hook=cp {files} "$1"/var/cache/apt/archives',
        f"--setup-hook=cp '{archive.lists}'/*_* \"$1\"/var/lib/apt/lists",
        "trixie",
        extracted,
        *sources,
    )
    stamp.write_text(wanted)
    return extracted


def _leave_out(
    names: set[str], packages: list[Package], archive: Archive, root: Path
) -> list[Package]:
    """Remove the files of unwanted packages; returns the packages that stay."""
    for package in packages:
        if package.name not in names:
            continue
        archived = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", archive.file(package)], capture_output=True, check=True
        )
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as listing:
            for member in reversed(listing.getmembers()):
                path = root / member.name
                if not member.isdir():
                    path.unlink()
                elif path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
                    path.rmdir()
    unknown = names - {package.name for package in packages}
    if unknown:
        say(f"left out, but nothing asks for them: {', '.join(sorted(unknown))}")
    return [package for package in packages if package.name not in names]


def _kernel_release(root: Path) -> str:
    releases = [path.name for path in (root / "usr/lib/modules").iterdir()]
    if len(releases) != 1:
        raise StepError(f"expected one kernel, found {releases or 'none'}")
    return releases[0]


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
