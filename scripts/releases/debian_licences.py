# SPDX-License-Identifier: Apache-2.0
"""Licences of an image of Debian's packages: what their copyright files say, and those files."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from scripts.releases.image import Image, RefusedError
from scripts.releases.legal_info import copy_boot_loader, pack_folder
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log

_MACHINE_READABLE = re.compile(r"\AFormat: .*copyright-format", re.IGNORECASE)
_LICENCE = re.compile(r"^License:[ \t]*(\S.*)$", re.MULTILINE)

_READ_ME = """\
On which terms what is in {name} may be used.

debian/PACKAGE       Debian's copyright file of each package: who wrote it, and its licences
common-licenses/     the texts that those files refer to
u-boot/              of U-Boot
mokanda/             of our own code, in commit {commit}

The sources are those of Debian 13 (snapshot.debian.org keeps every version), and of
U-Boot {u_boot}.
"""


def check(image: Image) -> None:
    """Raise RefusedError unless the copyright file of each package is there."""
    missing = [name for name in _names(image) if not _copyright(image, name).is_file()]
    if missing:
        raise RefusedError(
            f"the licences of {missing[0]} are gone from {_extracted(image)}: run make image again"
        )


def stated(image: Image) -> dict[str, tuple[str, ...]]:
    """The licences of each package in its copyright file's words; of some no program can tell."""
    return {name: tuple(_licences(_copyright(image, name))) for name in _names(image)}


def pack(image: Image, output: Path, log: Log) -> Path:
    """Write the archive of all the texts, the same bytes for the same image; raises StepError."""
    record = image.record
    path = output / f"{image.name}.licences.tar.zst"
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".licences-") as scratch:
        folder = Path(scratch) / path.name.removesuffix(".tar.zst")
        (folder / "debian").mkdir(parents=True)
        for name in _names(image):
            shutil.copyfile(_copyright(image, name), folder / "debian" / name)
        shutil.copytree(_extracted(image) / "usr/share/common-licenses", folder / "common-licenses")
        copy_boot_loader(record, folder / "u-boot")
        (folder / "mokanda").mkdir()
        shutil.copy(REPOSITORY / "LICENSE", folder / "mokanda")
        (folder / "README").write_text(
            _READ_ME.format(
                name=image.name, commit=record["commit"], u_boot=record["boot_loader"]["version"]
            )
        )
        pack_folder(folder, path, record, log)
    return path


def _names(image: Image) -> Iterable[str]:
    return (package["name"] for package in image.record["packages"])


def _extracted(image: Image) -> Path:
    """Debian's packages, as they were unpacked for the image, whole."""
    return image.folder / "work" / "extracted"


def _copyright(image: Image, name: str) -> Path:
    return _extracted(image) / "usr/share/doc" / name / "copyright"


def _licences(copyright_file: Path) -> Iterable[str]:
    text = copyright_file.read_text(encoding="utf-8", errors="replace")
    if _MACHINE_READABLE.match(text):
        return sorted(set(_LICENCE.findall(text)))
    return ()
