# SPDX-License-Identifier: Apache-2.0
"""Updates for the board, made as `scripts/release` makes them, and their way to the device."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.assembly import card, layout, verity
from scripts.releases import signing_keys
from scripts.releases.image import Image, Keys
from scripts.releases.release import bundle
from scripts.tools.digest import file_sha256
from scripts.tools.repository import REPOSITORY, TOOLBOX
from scripts.tools.steps import Log
from tests.emulator.emulated_village import EmulatedVillage

BOARD = "orangepi-zero"
IMAGE = REPOSITORY / "build" / "image" / BOARD / "mokanda.img"  # as it was built last


@dataclass(frozen=True)
class Releases:
    """Makes updates in `folder`, of versions that nobody runs yet."""

    image: Image  # what the board was flashed with
    folder: Path

    def make(self, version: str, content: bytes | None = None, keys: Keys | None = None) -> Path:
        """An update: of this content, or a system that works; by default of the image's keys."""
        work = self.folder / version
        work.mkdir()
        slot = work / "slot.img"
        if content is None:
            shutil.copy(self.image.folder / "slot.img", slot)
            self._raise_version(slot, version)
        else:
            slot.write_bytes(content)
        image = Image(work, {**self.image.record, "version": version})
        keys = keys or Keys(*signing_keys.find())
        return bundle(image, keys, work, Log(work / "log"))

    def _raise_version(self, slot: Path, version: str) -> None:
        """Let the system in a slot call itself `version`."""
        root, packed = slot.with_name("root"), slot.with_name("root.squashfs")
        _run("unsquashfs", "-quiet", "-no-progress", "-dest", root, slot)
        release = root / "usr/lib/os-release"
        old = self.image.record["version"]
        text = release.read_text()
        assert f'"{old}"' in text
        release.write_text(text.replace(old, version))
        compression = ("-comp", "zstd", "-Xcompression-level", "6")
        _run("mksquashfs", root, packed, "-noappend", "-quiet", "-no-progress", *compression)
        shutil.rmtree(root)
        blocks, salt = packed.stat().st_size // verity.BLOCK, file_sha256(packed)
        told = _run(*verity.tree_command(packed, blocks, salt))
        root_hash = verity.RootHash(blocks, verity.digest(told), salt)
        fit = slot.with_name("slot.itb")
        fit.write_bytes(slot.read_bytes()[layout.FIT :])
        _trust(fit, root_hash)
        card.slot(packed, fit, slot)


def _trust(fit: Path, root_hash: verity.RootHash) -> None:
    """Let the initramfs in a FIT image trust another root file system."""
    content, new = fit.read_bytes(), root_hash.line().encode()
    (old,) = re.findall(rb"\d{4} [0-9a-f]{64} [0-9a-f]{64}\n", content)
    fit.write_bytes(content.replace(old, new))
    assert len(new) == len(old)
    _run("mkimage", "-F", "-G", signing_keys.find_boot(), fit)


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        [TOOLBOX, "--root", *command], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def look_for_updates(village: EmulatedVillage) -> None:
    """Have the device ask its relay, as its page's button does, and wait until it has."""
    before = village.shell.status("courier").get("last_success")

    def has_synced(now: dict[str, Any]) -> bool:
        return bool(now["last_success"] != before and now["state"] == "idle")

    assert "accepted" in village.shell.request("updates", "check").output
    village.shell.wait_for_status("courier", has_synced, 240)


def offer(village: EmulatedVillage, update: Path, version: str) -> None:
    """Give an update to the relay, and wait until the device shows it."""
    village.relay.run("release", "add", str(update), "--version", version, "--board", BOARD)
    look_for_updates(village)
    shown = village.shell.wait_for_status(
        "updates", lambda now: (now["state"], now["offered"]) == ("available", version), 120
    )
    assert shown["size"] == update.stat().st_size


def is_state(*states: str) -> Callable[[dict[str, Any]], bool]:
    """A condition: the status says one of these."""
    return lambda now: now.get("state") in states


def install(village: EmulatedVillage) -> None:
    """Have the device install what it is offered, as its page's button does."""
    assert "accepted" in village.shell.request("updates", "install").output


def tries_left(village: EmulatedVillage, slot: str) -> int:
    """How often U-Boot would still start a slot that does not prove itself."""
    return int(village.shell.check(f"fw_printenv -n BOOT_{slot}_LEFT"), 16)
