# SPDX-License-Identifier: Apache-2.0
"""`make bench-boot`: what the board executes until its first page, and what its daemons take then.

A boot's cost is counted in instructions (tests/bench/instructions.c), of a card as it was flashed,
from the first of the boot ROM to the webmail's first page, which the board itself asks for as soon
as the webmail is there. The board's time is that of its instructions, so that it is of little
weight what else this computer does.
`ratio` is the image's count over that of a plain Debian's, with the same kernel and packages
(tests/bench/plain.py), or of another image (OTHER=).

Memory and wakeups are those of our daemons, in a village that has claimed itself and has nothing to
do: the sum of PSS, and how often a thread was put on a CPU, which is what keeps it from sleeping.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import tempfile
from pathlib import Path
from typing import Final

from scripts.emulator.board import Board
from scripts.emulator.card import run_tool
from scripts.releases import signing_keys
from scripts.releases.image import read_image
from scripts.tools.deadlines import wait_until
from scripts.tools.repository import REPOSITORY
from tests.bench import plain
from tests.bench.daemons import PROCESSES, SUM, memory
from tests.bench.output import say
from tests.emulator.ready_village import ReadyVillage
from tests.emulator.releases import IMAGE
from tests.emulator.shell import Shell
from tests.stand_ins.mobile_network import mobile_network

FOLDER: Final = REPOSITORY / "build/bench-boot"
SOURCE: Final = REPOSITORY / "tests/bench/instructions.c"
PLUGIN: Final = FOLDER / "instructions.so"
IDLE: Final = 180  # seconds
SETTLES: Final = 60  # seconds until a village has nothing to do, after the leap of its clock

SERVED: Final = "The first page is served."
# More of the webmail's unit; /dev/ttyS0 is the console.
ASKING: Final = f"""[Service]
DeviceAllow=/dev/ttyS0 w
ExecStartPost=+-/bin/sh -c 'wget -qO /dev/null http://127.0.0.1/ && echo "{SERVED}" >/dev/ttyS0'
"""
KERNEL_ARGUMENTS: Final = (
    "systemd.set_credential_binary=systemd.unit-dropin.mokanda-webmail.service~zz-bench:"
    + base64.b64encode(ASKING.encode()).decode()
)

_SWITCHES = f"for each in {PROCESSES}; do grep ctxt /proc/$each/task/*/status; done 2>/dev/null"


def compile_plugin() -> None:
    """Compile what counts; raises CardError."""
    options = ("-std=gnu23", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC")
    run_tool("gcc", *options, "-fvisibility=hidden", "-o", PLUGIN, SOURCE)


def instructions(image: Path) -> int:
    """How many of them a board executes from power-on to the first page."""
    folder = Path(tempfile.mkdtemp(prefix="mokanda-bench-"))
    count = folder / "count"
    options = ("-plugin", f"{PLUGIN},to={count}")
    try:
        with Board(image, folder, keeps_time=False, options=options) as board:
            board.set_kernel_arguments(KERNEL_ARGUMENTS)
            board.power_on()
            board.console.wait_for(SERVED, 300)
            board.qmp.execute("quit")
            wait_until(lambda: not board.running, "the end of QEMU", 30)
        return int(count.read_text())
    finally:
        shutil.rmtree(folder)


def _plain(folder: Path) -> Path:
    board = read_image(folder).record["board"]
    return plain.image(board, folder, signing_keys.find_boot(), FOLDER)


def idle(image: Path) -> tuple[float, float]:
    """The daemons' memory in MB, and their wakeups a minute, in a village with nothing to do."""
    with (
        mobile_network() as network,
        ReadyVillage(image, FOLDER / "village", network).started() as village,
    ):
        shell = village.shell
        shell.check(f"sleep {SETTLES}", 2 * SETTLES)
        before, began = _switches(shell), _uptime(shell)
        shell.check(f"sleep {IDLE}", 2 * IDLE)
        wakeups, seconds = _switches(shell) - before, _uptime(shell) - began
        taken = memory(shell) / 1e6
    return taken, wakeups / seconds * 60


def _switches(shell: Shell) -> int:
    return int(shell.check(f"{{ {_SWITCHES}; }} | {SUM}"))


def _uptime(shell: Shell) -> float:
    return float(shell.check("cut -d ' ' -f 1 /proc/uptime"))


def main() -> None:
    """Count and measure; print it as JSON."""
    parser = argparse.ArgumentParser(
        prog="make bench-boot",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("other", nargs="?", type=Path, help="the image to compare with")
    parser.add_argument("--image", type=Path, default=IMAGE)
    options = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    compile_plugin()
    ours = instructions(options.image)
    say(f"the image executes {ours / 1e9:.2f} thousand million instructions to its first page")
    theirs = instructions(options.other or _plain(options.image.parent))
    say(f"what it is compared with executes {theirs / 1e9:.2f}")
    taken, wakeups = idle(options.image)
    figures = {
        "ratio": round(ours / theirs, 3),
        "ginsn": round(ours / 1e9, 3),
        "pss_mb": round(taken, 1),
        "wakeups_per_min": round(wakeups, 1),
    }
    say(json.dumps(figures))


if __name__ == "__main__":
    main()
