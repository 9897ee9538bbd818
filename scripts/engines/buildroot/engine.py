# SPDX-License-Identifier: Apache-2.0
"""Takes what scripts/buildroot built from source.

Buildroot itself runs as the calling user; here its output is unpacked for the assembly.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.engines import Built, Package, find_file
from scripts.engines.buildroot.licences import licences
from scripts.recipes import System
from scripts.tools.digest import file_sha256
from scripts.tools.steps import Log, StepError, say


def build(system: System, work: Path, cache: Path, log: Log) -> Built:
    """Unpack the root file system that Buildroot made; raises StepError when there is none."""
    images = Path(os.environ["MOKANDA_BUILT"])
    information = images / "show-info.json"  # written last
    kernel = images / system.soc.kernel_image
    needed = (information, images / "rootfs.tar", images / "release", kernel)
    if absent := [path.name for path in needed if not path.exists()]:
        raise StepError(
            f"{images} has not what Buildroot makes for {system.board.name}:"
            f" run scripts/buildroot ({', '.join(absent)} missing)"
        )
    device_tree = find_file(images, f"{system.board.device_tree}.dtb")
    say("unpacking what Buildroot made")
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    log.run("tar", "--extract", "--numeric-owner", "-C", root, "-f", images / "rootfs.tar")
    _whole_time_zones(root)
    _authorities_each(root)
    kernels = sorted(path.name for path in root.glob("usr/lib/modules/*"))
    if len(kernels) != 1:
        raise StepError(
            f"there are modules of {' and '.join(kernels) or 'no kernel'}, where one is wanted:"
            " scripts/buildroot clean, and build anew"
        )
    return Built(
        root=root,
        kernel=kernel,
        kernel_release=kernels[0],
        device_tree=device_tree,
        busybox=root / "usr/bin/busybox",
        firmware=images,
        packages=packages(json.loads(information.read_text()), root, cache / "buildroot"),
        suites=_release(images / "release"),
        folder=images.parent,
    )


def _whole_time_zones(root: Path) -> None:
    """Time zones as folders of files, each once: Python's list of them follows no link."""
    zones = root / "usr/share/zoneinfo"
    for path in list((zones / "posix").glob("*")):
        (zones / path.name).unlink(missing_ok=True)  # a link to it
        path.rename(zones / path.name)
    for folder in ("posix", "right"):
        shutil.rmtree(zones / folder, ignore_errors=True)


def _authorities_each(root: Path) -> None:
    """Not all of them in a second file: Python would read it whole for each connection."""
    (root / "etc/ssl/certs/ca-certificates.crt").unlink(missing_ok=True)


def _release(told: Path) -> dict[str, datetime]:
    """When the release of Buildroot was cut, of which all packages are."""
    version, epoch = told.read_text().split()
    return {f"buildroot-{version}": datetime.fromtimestamp(int(epoch), UTC)}


def packages(information: dict[str, Any], root: Path, downloads: Path) -> list[Package]:
    """What is in the image, from `make show-info`; a digest where there is a download."""
    found = [c_library(root)] if has_ready_made_toolchain(information) else []
    for name, details in shipped(information):
        archives = [
            downloads / details["dl_dir"] / download["source"] for download in details["downloads"]
        ]
        digest = next((file_sha256(path) for path in archives if path.exists()), "")
        found.append(
            Package(
                name,
                details["version"],
                digest,
                licences(details["licenses"]),
                details.get("cpe-id", ""),
            )
        )
    return found


def shipped(information: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The packages of `make show-info` that have a version and go into the image, by name.

    Without one are the folders that Buildroot begins with, and a ready-made toolchain.
    """
    for name, details in sorted(information.items()):
        if details["type"] == "target" and details.get("install_target") and details.get("version"):
            yield name, details


def has_ready_made_toolchain(information: Mapping[str, Any]) -> bool:
    """Whether the C library comes with a compiler that Buildroot has not built."""
    return "toolchain-external" in information


def c_library(root: Path) -> Package:
    """The C library of a ready-made toolchain, by what it says of itself."""
    library = (root / "usr/lib/libc.so.6").read_bytes()
    told = re.search(rb"GNU C Library \((?:.* )?(.+)\) stable release version ([\d.]+)\.", library)
    if told is None:
        raise StepError("the toolchain's C library does not say its version")
    built, release = (part.decode() for part in told.groups())
    return Package(
        "glibc",
        built if built[0].isdigit() else release,
        licences=("GPL-2.0-or-later", "LGPL-2.1-or-later", "BSD-3-Clause", "MIT"),
        cpe=f"cpe:2.3:a:gnu:glibc:{release}:*:*:*:*:*:*:*",
    )
