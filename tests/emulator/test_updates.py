# SPDX-License-Identifier: Apache-2.0
"""Updates from the relay into the other slot: refused, failed, cut short, and done.

The tests follow each other on one board. The releases are made as `scripts/release` makes them.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.assembly import layout
from scripts.children import REPOSITORY
from scripts.releases import signing_keys
from scripts.releases.image import Image, Keys, read_image
from scripts.releases.release import bundle
from scripts.tools.steps import Log
from tests.emulator.emulated_village import EmulatedVillage

BOARD = "orangepi-zero"
FORGED, BROKEN, GOOD = "7.0.0-dev", "8.0.0-dev", "9.0.0-dev"


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
        content = packed.read_bytes()
        assert len(content) <= layout.ROOT_SIZE
        with slot.open("r+b") as file:
            file.write(content.ljust(layout.ROOT_SIZE, b"\0"))


def _run(*command: str | Path) -> None:
    subprocess.run(
        [REPOSITORY / "scripts/toolbox", "--root", *command], check=True, stdout=subprocess.DEVNULL
    )


@pytest.fixture(scope="module")
def releases(request: pytest.FixtureRequest, folder: Path) -> Releases:
    image = Path(request.config.getoption("image"))
    path = folder / "releases"
    path.mkdir()
    return Releases(read_image(image.parent), path)


@pytest.fixture(autouse=True, scope="module")
def claimed(village: EmulatedVillage) -> None:
    """The device belongs to its relay, which has heard from it what board it is."""
    village.shell.wait_for_status("setup", lambda now: now["state"] == "claimed", 180)
    village.shell.wait_for_status("updates", lambda now: bool(now), 180)
    look_for_updates(village)


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
    return lambda now: now.get("state") in states


def install(village: EmulatedVillage) -> None:
    assert "accepted" in village.shell.request("updates", "install").output


def tries_left(village: EmulatedVillage, slot: str) -> int:
    return int(village.shell.check(f"fw_printenv -n BOOT_{slot}_LEFT"), 16)


def test_an_update_of_other_keys_is_refused(
    village: EmulatedVillage, releases: Releases, tmp_path: Path
) -> None:
    signing_keys.make(tmp_path)
    keys = Keys(tmp_path / "release.key.pem", tmp_path / "release.cert.pem")
    offer(village, releases.make(FORGED, os.urandom(65536), keys), FORGED)
    slot = village.slot()
    install(village)
    shown = village.shell.wait_for_status("updates", is_state("failed"), 120)
    assert "not signed by those whom this device trusts" in shown["detail"]
    assert (village.slot(), shown["slot"]) == (slot, slot)
    assert village.shell.check("fw_printenv -n BOOT_ORDER").startswith(slot)


def test_an_update_that_does_not_start_falls_back(
    village: EmulatedVillage, releases: Releases, measured: dict[str, str]
) -> None:
    offer(village, releases.make(BROKEN, os.urandom(65536)), BROKEN)
    slot = village.slot()
    install(village)
    start = time.monotonic()
    village.shell.wait_for_start(300)
    measured["update that does not start: back in the old slot"] = (
        f"{time.monotonic() - start:.0f} s"
    )
    assert village.slot() == slot
    shown = village.shell.wait_for_status("updates", is_state("failed", "idle"), 240)
    assert f"Version {BROKEN} did not start as it should" in shown["detail"]
    assert tries_left(village, slot) == 3


def test_a_power_cut_while_installing_starts_the_old_slot(
    village: EmulatedVillage, releases: Releases, measured: dict[str, str]
) -> None:
    update = releases.make(GOOD)
    measured["update: size"] = f"{update.stat().st_size / 1e6:.1f} MB"
    offer(village, update, GOOD)
    slot = village.slot()
    # The link breaks on the way, which costs nothing that arrived.
    village.front.cut_after = update.stat().st_size // 2
    start = time.monotonic()
    install(village)
    village.shell.wait_for_status("updates", is_state("installing", "failed"), 600)
    measured["update: fetched"] = f"{time.monotonic() - start:.0f} s"
    village.shell.wait_for_status(
        "updates", lambda now: now["state"] != "installing" or now["progress"] > 0.6, 300
    )
    assert village.shell.status("updates")["state"] == "installing"
    village.board.cut_power()
    village.power_on()
    assert village.slot() == slot
    shown = village.shell.wait_for_status("updates", is_state("available"), 240)
    assert shown["offered"] == GOOD


def test_an_update_is_installed_and_proves_itself(
    village: EmulatedVillage, measured: dict[str, str]
) -> None:
    slot = village.slot()
    other = "B" if slot == "A" else "A"
    passed = village.front.bytes_down
    start = time.monotonic()
    install(village)  # what was fetched before the power cut is still there
    village.shell.wait_for_status("updates", is_state("installed", "failed"), 300)
    assert village.front.bytes_down - passed < 100_000
    measured["update: installed"] = f"{time.monotonic() - start:.0f} s"
    village.shell.wait_for_start(300)
    village.wait_for_webmail()
    assert village.slot() == other
    shown = village.shell.wait_for_status("updates", lambda now: bool(now), 300)
    assert (shown["state"], shown["version"], shown["slot"]) == ("idle", GOOD, other)
    assert tries_left(village, other) == 3
    phone = village.phone()
    phone.register("visitor", "A visitor")
    assert GOOD in phone.open("/device").text
