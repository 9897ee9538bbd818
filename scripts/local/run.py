# SPDX-License-Identifier: Apache-2.0
"""`make run`: build the image, start a relay, boot the emulated board, and let it claim itself.

The village's card and the relay's data stay in build/run, so that a second run finds the mail of
the first; `make run FRESH=1` starts over.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys

from scripts.emulator.board import LOOPBACK, Board, BoardError
from scripts.emulator.card import CardError
from scripts.emulator.qmp import QmpError
from scripts.local.relay import ports, start_relay
from scripts.local.terminal import print_addresses, step, wait_for_interrupt
from scripts.tools.children import Children, StartError
from scripts.tools.deadlines import DeadlineError, wait_until
from scripts.tools.repository import REPOSITORY

FOLDER = REPOSITORY / "build" / "run"
CLAIM_SECONDS = 300


def main() -> int:
    """Boot the village, print the addresses and stay until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Boot a village on this computer.")
    parser.add_argument("--fresh", action="store_true", help="forget the last run's mail")
    parser.add_argument("--board", default="orangepi-zero", help="whose image (%(default)s)")
    parser.add_argument("--engine", default="debian", help="what makes it (%(default)s)")
    arguments = parser.parse_args()
    if arguments.fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        _run(arguments.board, arguments.engine)
    except (BoardError, CardError, DeadlineError, QmpError, StartError) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(board_name: str, engine: str) -> None:
    with step(f"building the SD card image for {board_name}"):
        built = subprocess.run(
            ["scripts/image", "--board", board_name, "--engine", engine],
            cwd=REPOSITORY,
            check=False,
        )
    if built.returncode:
        raise StartError("the image could not be built; what went wrong is said above")
    image = REPOSITORY / "build" / "image" / board_name / "mokanda.img"
    card = FOLDER / "board"
    with Children(FOLDER / "logs") as children:
        with step("starting the relay"):
            relay = start_relay(children, FOLDER, device_host=LOOPBACK)
        new_card = not card.exists()
        with Board(image, card, web_port=ports(FOLDER)["webmail"]) as board:
            if new_card:
                with step("writing a claim onto the card's SETUP partition"):
                    board.write_setup_file(relay.claim_file(FOLDER))
            elif board.outdated:
                print("    the card is the last run's; make run FRESH=1 takes the new image")
            with step("booting the emulated board, about a minute"):
                board.power_on()
                board.wait_for_webmail()
            with step("waiting until the device has claimed itself"):
                wait_until(relay.has_claimed, "the claim", CLAIM_SECONDS)
            print_addresses(f"{board.webmail}/", relay)
            wait_for_interrupt(children)


if __name__ == "__main__":
    sys.exit(main())
