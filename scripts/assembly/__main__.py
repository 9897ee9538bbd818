# SPDX-License-Identifier: Apache-2.0
"""`scripts/image`: build the SD card image of a board; runs in the toolbox."""

from __future__ import annotations

import argparse
import sys

from scripts.assembly.image import build
from scripts.recipes import RecipeError, boards, load
from scripts.tools.steps import StepError

DESCRIPTION = """Build the SD card image of a board from recipes/.

Writes build/image/<board>/: mokanda.img (the card), mokanda.bmap (which of its blocks to
flash), slot.img (what an update carries) and record.json (commit, packages, suites, sizes).
An image that was built from the same files is left as it is. Debian's packages are those of
recipes/packages.lock, until `make lock` takes newer ones."""


def main(arguments: list[str] | None = None) -> int:
    """Build an image; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/image",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--board", choices=boards(), default="orangepi-zero")
    parser.add_argument("--engine", choices=("debian", "buildroot"), default="debian")
    parser.add_argument(
        "--built",
        metavar="DIRECTORY",
        help="what Buildroot made; without it, Buildroot is run first",
    )
    options = parser.parse_args(arguments)
    try:
        build(load(options.board), options.engine)
    except (RecipeError, StepError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
