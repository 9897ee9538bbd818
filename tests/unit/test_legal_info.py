# SPDX-License-Identifier: Apache-2.0
"""The archive of licences of a release from source, of what Buildroot's legal-info would leave."""

import csv
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.assembly import u_boot
from scripts.engines import Package
from scripts.releases import legal_info
from scripts.releases.image import Image, RefusedError
from scripts.tools.repository import TOOLBOX
from scripts.tools.steps import Log

MANIFEST = """\
"PACKAGE","VERSION","LICENSE","LICENSE FILES","SOURCE ARCHIVE",\
"SOURCE SITE","DEPENDENCIES WITH LICENSES"
"busybox","1.37.0","GPL-2.0, bzip2-1.0.4","LICENSE","busybox-1.37.0.tar.bz2",\
"https://busybox.example","skeleton [unknown]"
"nftables","1.1.3-1","unknown","","nftables_1.1.3-1_armhf.deb","https://debian.example/nftables",""
"""
FILES = {
    "buildroot.config": 'BR2_DL_DIR="/home/somebody"',
    "host-licenses/m4-1.4.19/COPYING": "the GPL",
    "host-manifest.csv": MANIFEST.splitlines()[0] + "\n",
    "host-sources/m4-1.4.19/m4-1.4.19.tar.xz": "m4",
    "licenses/busybox-1.37.0/LICENSE": "the GPL",
    "manifest.csv": MANIFEST,
    "sources/busybox-1.37.0/0001-mend.patch": "a patch",
    "sources/busybox-1.37.0/busybox-1.37.0.tar.bz2": "busybox",
    "sources/busybox-1.37.0/series": "0001-mend.patch\n",
    "sources/nftables-1.1.3-1/libedit2.deb": "libedit",
    "sources/nftables-1.1.3-1/nftables_1.1.3-1_armhf.deb": "nftables",
}
PACKAGES = [
    Package("busybox", "1.37.0", "a" * 64),
    Package("glibc", "2.41-11"),  # the toolchain's, which Buildroot did not fetch
    Package("nftables", "1.1.3-1", "b" * 64),
]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    folder = tmp_path / "legal-info"
    sums = "".join(f"{sha256(text)}  {name}\n" for name, text in FILES.items())
    for name, text in {**FILES, "legal-info.sha256": sums}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    monkeypatch.setattr(u_boot, "TREES", tmp_path / "u-boot")
    texts = tmp_path / "u-boot/orangepi-zero/Licenses"
    texts.mkdir(parents=True)
    (texts / "README").write_text("the GPL")
    record = {
        "board": "orangepi-zero",
        "version": "0.1.0",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "source_date_epoch": 1_700_000_000,
        "suites": {"buildroot-2026.02.3": "2026-06-16T21:01:40+00:00"},
        "boot_loader": vars(u_boot.PACKAGE),
        "packages": [vars(package) for package in PACKAGES],
    }
    return Image(tmp_path, json.loads(json.dumps(record)))


def pack(image: Image, collected: Path, output: Path) -> Path:
    output.mkdir(parents=True)
    return legal_info.pack(image, collected, output, Log(output.parent / "log"))


def unpack(archive: Path, folder: Path) -> dict[str, str]:
    """What is in an archive, by its name below the one folder."""
    folder.mkdir()
    subprocess.run([TOOLBOX, "tar", "-xf", archive, "-C", folder], check=True)
    [top] = folder.iterdir()
    return {
        str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()
    }


def test_the_archive_has_texts_and_patches_and_names_the_sources(
    image: Image, collected: Path, tmp_path: Path
) -> None:
    files = unpack(pack(image, collected, tmp_path / "release/0.1.0"), tmp_path / "unpacked")
    assert set(files) == {
        "README",
        "host-licenses/m4-1.4.19/COPYING",
        "host-manifest.csv",
        "licenses/busybox-1.37.0/LICENSE",
        "licenses/u-boot-2025.01/README",
        "manifest.csv",
        "patches/busybox-1.37.0/0001-mend.patch",
        "patches/busybox-1.37.0/series",
        "sources.csv",
    }
    busybox, libedit, nftables, boot_loader = csv.DictReader(files["sources.csv"].splitlines())
    assert busybox == {
        "package": "busybox-1.37.0",
        "file": "busybox-1.37.0.tar.bz2",
        "sha256": sha256("busybox"),
        "address": "https://busybox.example",
    }
    assert (libedit["file"], libedit["address"]) == ("libedit2.deb", "")
    assert nftables["address"] == "https://debian.example/nftables"
    assert boot_loader["sha256"] == u_boot.SHA256
    assert "Without a text of their licence: nftables." in files["README"]
    assert image.record["commit"] in files["README"]


def test_the_archive_is_the_same_each_time(image: Image, collected: Path, tmp_path: Path) -> None:
    first = pack(image, collected, tmp_path / "first/0.1.0")
    copy = tmp_path / "elsewhere"
    shutil.copytree(collected, copy, copy_function=shutil.copyfile)
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    second = pack(image, copy, tmp_path / "second/0.1.0")
    assert first.read_bytes() == second.read_bytes()


def test_what_was_collected_for_this_image_will_do(image: Image, collected: Path) -> None:
    legal_info.check(image.record, collected)


def test_without_what_was_collected_it_says_what_to_run(image: Image, collected: Path) -> None:
    (collected / "legal-info.sha256").unlink()
    for folder in (collected, None):
        with pytest.raises(
            RefusedError, match="scripts/buildroot --board orangepi-zero legal-info"
        ):
            legal_info.check(image.record, folder)


@pytest.mark.parametrize(
    ("package", "words"),
    [
        (Package("busybox", "1.38.0", "a" * 64), "busybox is 1.38.0 in this image, and 1.37.0"),
        (Package("zlib", "1.3.2", "c" * 64), "zlib is 1.3.2 in this image, and none"),
    ],
)
def test_what_was_collected_for_another_image_is_refused(
    image: Image, collected: Path, package: Package, words: str
) -> None:
    record = {**image.record, "packages": [vars(package)]}
    with pytest.raises(RefusedError, match=words):
        legal_info.check(record, collected)


def test_without_the_boot_loaders_licences_it_is_refused(image: Image, collected: Path) -> None:
    (u_boot.TREES / "orangepi-zero/Licenses/README").unlink()
    with pytest.raises(RefusedError, match="make image"):
        legal_info.check(image.record, collected)
