# SPDX-License-Identifier: Apache-2.0
"""`make bench-engines OTHER=IMAGE`: the last image that was built beside one of the other engine.

The two boards boot in turn, so that what else this computer does falls to both: seconds from
power-on to a shell and to the webmail's first page, memory a minute later, and sizes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from scripts.emulator.board import Board
from scripts.releases.image import Image, read_image
from tests.bench.daemons import memory
from tests.bench.output import say
from tests.emulator.releases import IMAGE
from tests.emulator.shell import Shell

USED = "awk '/MemTotal/ {t=$2} /MemAvailable/ {print int((t-$2)/1024)}' /proc/meminfo"


@dataclass
class Figures:
    """What was measured of an image; seconds and MiB, one for each boot."""

    image: Image
    shell: list[float] = field(default_factory=list)
    webmail: list[float] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    ours: list[int] = field(default_factory=list)

    def boot(self) -> None:
        """Boot the image on a card of its own, as it was flashed but for a shell."""
        folder = Path(tempfile.mkdtemp(prefix="mokanda-bench-"))
        try:
            with Board(self.image.folder / "mokanda.img", folder) as board:
                shell = Shell(board)
                shell.install()
                start = time.monotonic()
                board.power_on()
                shell.wait_for_start(300)
                self.shell.append(time.monotonic() - start)
                board.wait_for_webmail(300)
                self.webmail.append(time.monotonic() - start)
                time.sleep(60)
                self.used.append(int(shell.check(USED)))
                self.ours.append(memory(shell) >> 20)
        finally:
            shutil.rmtree(folder)

    def medians(self) -> dict[str, float]:
        """Each figure once, with the sizes of what is in the card's slots."""
        files = self.image.record["files"]
        return {
            "shell_s": round(statistics.median(self.shell), 1),
            "webmail_s": round(statistics.median(self.webmail), 1),
            "used_mib": statistics.median(self.used),
            "ours_mib": statistics.median(self.ours),
            "root_mb": round(files["root.squashfs"]["size"] / 1e6, 1),
            "fit_mb": round(files["slot.itb"]["size"] / 1e6, 1),
            "packages": len(self.image.record["packages"]),
        }


def main() -> None:
    """Boot both images in turn and print what they took, as a table and as JSON."""
    parser = argparse.ArgumentParser(prog="make bench-engines", description=__doc__)
    parser.add_argument("other", type=Path, help="mokanda.img of the other engine")
    parser.add_argument("--image", type=Path, default=IMAGE)
    parser.add_argument("--boots", type=int, default=3)
    options = parser.parse_args()
    both = [Figures(read_image(path.parent)) for path in (options.image, options.other)]
    for number in range(options.boots):
        for figures in both:
            say(f"boot {number + 1}: {figures.image.record['engine']}")
            figures.boot()
    table = {figures.image.record["engine"]: figures.medians() for figures in both}
    for name in next(iter(table.values())):
        cells = [f"{engine} {row[name]}".rjust(20) for engine, row in table.items()]
        say(f"{name:10}{''.join(cells)}")
    say(json.dumps(table))


if __name__ == "__main__":
    main()
