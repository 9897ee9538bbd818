# SPDX-License-Identifier: Apache-2.0
"""The Debian engine: binary packages by extraction, nothing of the target is run.

Packages are those of the lock. What maintainer scripts would do on a running system is done here,
by its effect (certificates, modules), or by the assembly (accounts, presets).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.engines import Built, find_file
from scripts.engines.debian.archive import Archive
from scripts.engines.debian.lock import read
from scripts.engines.debian.packages import described, extract, obtain
from scripts.engines.debian.prune import leave_out, prune_modules
from scripts.recipes import System
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError, say
from scripts.tools.tree import lay

OUR_CODE = ("wire/mokanda_wire", "firmware/mokanda_firmware")


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
    debs = leave_out(set(system.debian_without), debs, archive, root)
    release = _kernel_release(root)
    kernel, device_tree, busybox = work / "kernel", work / "board.dtb", work / "busybox"
    shutil.copy(root / f"boot/vmlinuz-{release}", kernel)
    trees = root / f"usr/lib/linux-image-{release}"
    shutil.copy(find_file(trees, f"{system.board.device_tree}.dtb"), device_tree)
    shutil.copy(root / "usr/bin/busybox", busybox)
    prune_modules(system, root, release, log)
    _certificates(root)
    _alternatives(root)
    _our_code(root, log)
    return Built(
        root=root,
        kernel=kernel,
        kernel_release=release,
        device_tree=device_tree,
        busybox=busybox,
        firmware=extracted / "usr/lib/arm-trusted-firmware",
        packages=described(archive, debs, log),
        suites=dict(lock.suites),
        security=lock.security,
        locked=locked,
    )


def _kernel_release(root: Path) -> str:
    releases = [path.name for path in (root / "usr/lib/modules").iterdir()]
    if len(releases) != 1:
        raise StepError(f"expected one kernel, found {releases or 'none'}")
    return releases[0]


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


def _our_code(root: Path, log: Log) -> None:
    """Our packages; and all Python code compiled in its place, without what is only read."""
    packages = root / "usr/lib/python3/dist-packages"
    for package in OUR_CODE:
        lay(REPOSITORY / package, packages / Path(package).name)
    (library,) = (root / "usr/lib").glob("python3.*")
    for folder, optimisation in ((packages, "0"), (library, "2")):
        log.run(
            *("python3", "-m", "compileall", "-b", "-q", "-f", "-j2", "-o", optimisation),
            *("--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/", folder),
        )
        for source in folder.rglob("*.py"):
            source.unlink()
