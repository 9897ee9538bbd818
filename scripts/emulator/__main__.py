# SPDX-License-Identifier: Apache-2.0
"""`scripts/emulate`: a board for people; Ctrl-C takes its power away."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from scripts.emulator.board import Board, BoardError
from scripts.emulator.card import CardError
from scripts.emulator.console import Console
from scripts.emulator.qmp import QmpError
from scripts.tools.deadlines import DeadlineError
from scripts.tools.repository import REPOSITORY


def _arguments() -> argparse.Namespace:
    build = REPOSITORY / "build"
    parser = argparse.ArgumentParser(
        prog="scripts/emulate",
        description="Boot a card's image on the emulated board. The card is kept between runs.",
    )
    parser.add_argument(
        "--image",
        type=Path,
        default=build / "image" / "orangepi-zero" / "mokanda.img",
        metavar="IMG",
        help="the image to flash (default: %(default)s)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=build / "run" / "board",
        help="where card and console log are kept (default: %(default)s)",
    )
    parser.add_argument("--fresh", action="store_true", help="flash a new card, forget the last")
    parser.add_argument(
        "--claim", type=Path, metavar="FILE", help="put this claim file on the card first"
    )
    parser.add_argument("--web", type=int, default=0, metavar="PORT", help="the webmail's port")
    parser.add_argument("--serial", action="store_true", help="show the console, and type into it")
    return parser.parse_args()


def _boot(arguments: argparse.Namespace) -> None:
    if arguments.fresh:
        shutil.rmtree(arguments.folder, ignore_errors=True)
    with Board(arguments.image, arguments.folder, web_port=arguments.web) as board:
        if board.outdated:
            _say("the image is newer than the card of the last run; --fresh takes it")
        if arguments.claim:
            board.write_setup_file(arguments.claim)
        start = time.monotonic()
        board.power_on()
        _say(f"power is on; the console's log is {board.log}")
        with _shown(board) if arguments.serial else nullcontext():
            board.wait_for_webmail()
            _say(f"{board.webmail} answers after {time.monotonic() - start:.0f} s; Ctrl-C ends it")
            board.wait()


@contextmanager
def _shown(board: Board) -> Iterator[None]:
    """Show the console, and type into it what is typed here."""
    threading.Thread(target=_type, args=(board.console,), daemon=True).start()
    with subprocess.Popen(["tail", "--lines=+1", "--follow", str(board.log)]) as tail:
        try:
            yield
        finally:
            tail.terminate()


def _type(console: Console) -> None:
    for line in sys.stdin:
        console.write(line)


def _say(text: str) -> None:
    print(f"emulate: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Boot a board for people; Ctrl-C takes its power away."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _boot(_arguments())
    except KeyboardInterrupt:
        return 130
    except (BoardError, CardError, DeadlineError, QmpError) as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
