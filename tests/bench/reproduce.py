# SPDX-License-Identifier: Apache-2.0
"""`make reproduce`: build the image of this commit twice, and compare the two byte for byte.

The second checkout lies in another folder, on a file system in memory where there is room, its
files written in the opposite order and by another umask; time zone and language are others, too.
Both compile U-Boot. Compared are the card, the slot's image, the root file system, the FIT image,
the update and a delta.

RAUC chooses the salt of an update's hash tree at random, and a signature by ECDSA has a random
number and the time: of an update that is compared which is signed. The delta is made twice, from
each build's update to one later version's.

Changes that no commit holds are left out. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from scripts.recipes import boards
from scripts.releases import signing_keys
from scripts.releases.image import Image, Keys
from scripts.releases.release import UnfitUpdateError, bundle, delta
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError, say
from tests.bench.checkout import Checkout
from tests.bench.difference import first_difference

FOLDER = REPOSITORY / "build/reproduce"
ROOM = 6 << 30  # bytes that a checkout takes with all that it builds
VERSION = "9.0.0-dev"


def compare(
    images: list[Image], make_later: Callable[[], Image], folder: Path
) -> tuple[str | None, list[Path]]:
    """Name the first part in which two builds differ, and its two files; raises StepError.

    `make_later` builds the image of a later version.
    """
    # The largest come last: they are made of the others.
    for name in ("root.squashfs", "slot.itb", "slot.img", "mokanda.img"):
        paths = [_find(image, name) for image in images]
        if difference := first_difference(*paths):
            return f"{name}: {difference}", paths
        say(f"{name}: the same")
    keys = Keys(*signing_keys.find())
    updates = []
    for number, image in enumerate(images):
        output = folder / f"update-{number + 1}"
        output.mkdir()
        # For a link to it, which the other build's file system may be too far away.
        shutil.copy(image.folder / "slot.img", output)
        near = Image(output, image.record)
        updates.append(bundle(near, keys, output, Log(output / "log")))
    payloads = [_payload(update) for update in updates]
    if payloads[0] != payloads[1]:
        return "the update, in what is signed", updates
    say("what is signed of the update: the same")
    later = make_later()
    bundle(later, keys, folder, Log(folder / "log"))
    deltas = []
    for update in updates:
        made = delta(later, update, folder, Log(folder / "log"))
        deltas.append(made.rename(update.with_name("delta")))
    if deltas[0].read_bytes() != deltas[1].read_bytes():
        return "the delta", deltas
    say("the delta: the same")
    return None, []


def _payload(update: Path) -> bytes:
    """The file system of an update; its superblock says how long it is."""
    content = update.read_bytes()
    return content[: int.from_bytes(content[40:48], "little")]


def _find(image: Image, name: str) -> Path:
    path = image.folder / name
    return path if path.exists() else image.folder / "work" / name


def _show(paths: list[Path]) -> None:
    """Have diffoscope, where there is one, write how two files differ."""
    if program := shutil.which("diffoscope"):
        report = FOLDER / "difference.txt"
        subprocess.run([program, "--text", report, *paths], check=False)
        say(f"diffoscope's report is {report}")


def main() -> int:
    """Build twice and compare; returns 1 where the two differ."""
    parser = argparse.ArgumentParser(
        prog="make reproduce",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--board", choices=boards(), default="orangepi-zero")
    parser.add_argument("--engine", choices=("debian", "buildroot"), default="debian")
    parser.add_argument("--built", type=Path, help="what Buildroot made, for both")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    memory = Path("/dev/shm")
    in_memory = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    try:
        with tempfile.TemporaryDirectory(
            dir=memory if in_memory else None, prefix="mokanda-another-folder-"
        ) as other:
            Path(other).chmod(0o755)
            one = Checkout(FOLDER / "first", 0o022, {"TZ": "UTC", "LANG": "C.UTF-8"})
            two = Checkout(
                Path(other) / "2", 0o077, {"TZ": "Asia/Kathmandu", "LANG": "fr_CD.UTF-8"}
            )
            images = []
            building = (options.board, options.engine, options.built)
            for number, each in enumerate((one, two), start=1):
                say(f"build {number}: in {each.folder}, umask {each.umask:03o}, {each.environment}")
                each.make(backwards=each is two)
                images.append(each.image(*building))

            def later() -> Image:
                """Of a changed module; it takes the place of the first."""
                one.edit_module()
                return one.image(*building, MOKANDA_VERSION=VERSION)

            with tempfile.TemporaryDirectory(dir=FOLDER, prefix="updates-") as updates:
                difference, paths = compare(images, later, Path(updates))
                if difference:
                    say(f"the builds differ: {difference}")
                    _show(paths)
    except (StepError, UnfitUpdateError, signing_keys.KeysError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    record = images[0].record
    verdict = {
        "same": difference is None,
        "difference": difference,
        "engine": record["engine"],
        "commit": record["commit"],
        "locked": record["locked"],
        "image_sha256": record["files"]["mokanda.img"]["sha256"],
        "left_out": "the update's signature, with its salt and hash tree",
    }
    sys.stdout.write(json.dumps(verdict) + "\n")
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
