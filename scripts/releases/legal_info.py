# SPDX-License-Identifier: Apache-2.0
"""Licences and sources of an image that was built from source, in one archive of its release.

Texts are in it; sources are named: where each was fetched from, and its SHA-256.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from scripts.assembly import u_boot
from scripts.releases.image import Image, RefusedError
from scripts.tools.repository import TOOLBOX
from scripts.tools.steps import Log

_PATCHES = (".patch", "series")  # Buildroot's own, beside the archives that they change
_COMPRESS = "zstd -19 --quiet"

_READ_ME = """\
What {name} is made of, and on which terms.

manifest.csv         each package with version, licences and the address of its source
licenses/            the texts of the licences, a folder for each package
patches/             what Buildroot changes in a source before it compiles it, in the order
                     of "series"
sources.csv          each archive that was compiled: package, file, SHA-256, address (if there is
                     none, the package's makefile in Buildroot has it)
host-manifest.csv, host-licenses/    the same of the programs that compiled it; none is in the image

The archives themselves are too large for this one. `scripts/buildroot source` fetches them anew,
and compares them with these digests, in Mokanda's commit
{commit}. The recipes by which they were compiled are in
that commit and in Buildroot itself ({suites}).

Without a text of their licence: {bare}.
"""


def check(record: dict[str, Any], collected: Path | None) -> None:
    """Raise RefusedError unless a folder has the licences of exactly an image's packages."""
    advice = (
        f"run scripts/buildroot --board {record['board']} legal-info, with the options that it was "
        "built with"
    )
    if collected is None or not (collected / "legal-info.sha256").exists():  # written last
        raise RefusedError(
            f"the licences of what is in this image have not been collected: {advice}"
        )
    versions = {row["PACKAGE"]: row["VERSION"] for row in _manifest(collected)}
    for package in record["packages"]:
        version = versions.get(package["name"], "none")
        if package["sha256"] and version != package["version"]:
            raise RefusedError(
                f"{package['name']} is {package['version']} in this image, and {version} where "
                f"licences were collected: {advice}"
            )
    check_boot_loader(record)


def check_boot_loader(record: dict[str, Any]) -> None:
    """Raise RefusedError unless the texts of U-Boot's licences are there."""
    if not (_u_boot(record) / "README").exists():
        raise RefusedError("U-Boot's sources with its licences are gone: run make image again")


def pack(image: Image, collected: Path, output: Path, log: Log) -> Path:
    """Write the archive, the same bytes for the same image; raises StepError."""
    path = output / f"{image.name}.licences.tar.zst"
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".licences-") as scratch:
        folder = Path(scratch) / path.name.removesuffix(".tar.zst")
        _gather(image, collected, folder)
        pack_folder(folder, path, image.record, log)
    return path


def pack_folder(folder: Path, path: Path, record: dict[str, Any], log: Log) -> None:
    """Write an archive of a folder, the same bytes for the same image; raises StepError."""
    log.run(
        *(TOOLBOX, "tar", "--create", f"--file={path}", f"--use-compress-program={_COMPRESS}"),
        *("--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"),
        *(f"--mtime=@{record['source_date_epoch']}", "-C", folder.parent, folder.name),
    )


def copy_boot_loader(record: dict[str, Any], target: Path) -> None:
    """Copy the texts of U-Boot's licences into a new folder."""
    shutil.copytree(_u_boot(record), target)


def _gather(image: Image, collected: Path, folder: Path) -> None:
    """Copy into a new folder what goes into the archive."""
    record = image.record
    for part in ("licenses", "host-licenses"):
        shutil.copytree(collected / part, folder / part)
    for part in ("manifest.csv", "host-manifest.csv"):
        shutil.copy(collected / part, folder)
    boot_loader = f"u-boot-{record['boot_loader']['version']}"
    copy_boot_loader(record, folder / "licenses" / boot_loader)
    for path in (collected / "sources").glob("*/*"):
        if path.name.endswith(_PATCHES):
            target = folder / "patches" / path.parent.name
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    with (folder / "sources.csv").open("w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("package", "file", "sha256", "address"))
        lines.writerows(_sources(collected))
        lines.writerow(_boot_loader_source(record["boot_loader"]))
    (folder / "README").write_text(
        _READ_ME.format(
            name=image.name,
            commit=record["commit"],
            suites=", ".join(record["suites"]),
            bare=", ".join(_without_text(collected)) or "none",
        )
    )


def _u_boot(record: dict[str, Any]) -> Path:
    return u_boot.TREES / str(record["board"]) / "Licenses"


def _manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _without_text(folder: Path) -> list[str]:
    return [row["PACKAGE"] for row in _manifest(folder) if not row["LICENSE FILES"]]


def _sources(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Each archive of what Buildroot compiled for the image, as sources.csv has them."""
    sites = {row["SOURCE ARCHIVE"]: row["SOURCE SITE"] for row in _manifest(folder)}
    for line in (folder / "legal-info.sha256").read_text().splitlines():
        sha256, name = line.split(maxsplit=1)
        match PurePosixPath(name).parts:
            case ("sources", package, file) if not file.endswith(_PATCHES):
                yield package, file, sha256, sites.get(file, "")


def _boot_loader_source(package: dict[str, Any]) -> tuple[str, str, str, str]:
    where = PurePosixPath(u_boot.SOURCE)
    name = f"{package['name']}-{package['version']}"
    return name, where.name, package["sha256"], f"a Debian mirror, {where.parent}"
