# SPDX-License-Identifier: Apache-2.0
"""A card with a plain Debian root: an image's packages with all that they bring, and our files.

It starts with the image's own U-Boot, kernel and initramfs, but every unit is enabled that Debian's
presets enable, udev has all rules and all drivers, and Python's library is compiled as Debian does.
Such a root is too large for a slot: slot A keeps the FIT image, and the root lies where slot B was.

Runs in the toolbox: python3 -m tests.bench.plain BOARD IMAGE'S-FOLDER KEY FOLDER
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.assembly import boot, card, kernel, layout, verity
from scripts.recipes import System, load
from scripts.tools.repository import PYTHON_PATH, TOOLBOX
from scripts.tools.steps import Log, say

ROOT = layout.SLOTS["B"]
DATA = 512 * layout.MIB


def image(board: str, folder: Path, key: Path, output: Path) -> Path:
    """Make the card beside the board's image in `folder`, which this repository has built.

    Args:
        board: as recipes name it.
        folder: where the image lies, and what it was made from.
        key: the one that the image's U-Boot trusts.
        output: a folder for the card and what it is made from.
    """
    command = (
        *("env", f"PYTHONPATH={PYTHON_PATH}", "python3", "-B", "-m", "tests.bench.plain"),
        *(board, folder.resolve(), key, output),
    )
    subprocess.run([TOOLBOX, "--root", *command], check=True)
    return output / "plain.img"


def build(system: System, folder: Path, key: Path, output: Path) -> None:
    """Make output/plain.img; raises StepError."""
    log, work = Log(output / "plain.log"), folder / "work"
    say("a plain Debian root")
    root = _root(work, output, log)
    squashed = card.squash(root, "", output, log)
    say(f"it has {squashed.stat().st_size / 1e6:.0f} MB")
    ramdisk = _initramfs(work, output, log)
    whole = boot.trusting(verity.append_tree(squashed, log), ramdisk, output, log)
    started = kernel.prepare(system.soc, work / "kernel", output)
    fit = boot.fit(system.soc, started, work / "device-tree.dtb", whole, key, output, log)
    _write(folder / "mokanda.img", squashed, fit, output / "plain.img", log)
    shutil.rmtree(root)


def _root(work: Path, output: Path, log: Log) -> Path:
    """All of the packages, and over them the image's own root but for what it does without."""
    packages, finished, root = work / "extracted", work / "root", output / "root"
    log.run("cp", "--archive", packages, root)
    log.run("cp", "--archive", "--remove-destination", f"{finished}/.", root)
    for link in sorted((*finished.glob("usr/bin/*"), *finished.glob("usr/sbin/*"))):
        # What BusyBox does in the image, a package's own program does here.
        name = link.relative_to(finished)
        if link.is_symlink() and link.readlink() == Path("busybox") and (packages / name).exists():
            log.run("cp", "--archive", "--remove-destination", packages / name, root / name)
    preset = root / "usr/lib/systemd/system-preset/00-mokanda.preset"
    preset.write_text(preset.read_text().replace("disable *\n", ""))
    for unit in (root / "etc/systemd/system").iterdir():
        if unit.is_symlink() and unit.readlink() == Path("/dev/null"):
            unit.unlink()
    log.run("systemctl", f"--root={root}", "preset-all")
    (modules,) = (root / "usr/lib/modules").iterdir()
    for module in modules.rglob("*.ko"):
        module.with_suffix(".ko.xz").unlink(missing_ok=True)
    log.run("depmod", "--basedir", root, modules.name)
    (library,) = (root / "usr/lib").glob("python3.*")
    for path in (library, root / "usr/lib/python3/dist-packages"):
        log.run("python3", "-m", "compileall", "-q", "-f", "-j2", "-s", root, "-p", "/", path)
    return root


def _initramfs(work: Path, output: Path, log: Log) -> Path:
    """The image's own, which takes slot B's root although it was started from slot A."""
    tree = output / "init"
    tree.mkdir()
    shutil.copy(work / "initramfs/init", tree)
    text, changes = re.subn(
        r"(rauc\.slot=A\) slot=/dev/\w+)p2", r"\1p3", (tree / "init").read_text()
    )
    assert changes == 1
    (tree / "init").write_text(text)
    ramdisk = output / "initramfs.cpio.zst"
    # What is unpacked last takes the place of what was there; zstd's frames may follow each other.
    archive = boot.pack(tree, output / "init.cpio", log)
    packed = output / "init.cpio.zst"
    log.run("zstd", "--force", "--quiet", "-o", packed, archive)
    ramdisk.write_bytes((work / "initramfs.cpio.zst").read_bytes() + packed.read_bytes())
    return ramdisk


def _write(image: Path, root: Path, fit: Path, plain: Path, log: Log) -> None:
    """Write the card: another root and another FIT image, and the data partition behind them."""
    shutil.copy(image, plain)
    with plain.open("r+b") as file:
        file.seek(layout.DATA)
        data = file.read()
        for content, offset in (
            (fit.read_bytes(), layout.SLOTS["A"] + layout.FIT),
            (root.read_bytes(), ROOT),
            (data, DATA),
        ):
            file.seek(offset)
            file.write(content)
    os.truncate(plain, 2 * DATA)
    parts = (
        (layout.SETUP, layout.SETUP_SIZE, "c"),
        (layout.SLOTS["A"], layout.SLOT_SIZE, "83"),
        (ROOT, DATA - ROOT, "83"),
        (DATA, len(data), "83"),
    )
    lines = [
        f"start={start // layout.SECTOR}, size={size // layout.SECTOR}, type={kind}\n"
        for start, size, kind in parts
    ]
    log.run("sfdisk", "--quiet", plain, text=f"label: dos\nunit: sectors\n{''.join(lines)}")


if __name__ == "__main__":
    board, *paths = sys.argv[1:]
    build(load(board), *map(Path, paths))
