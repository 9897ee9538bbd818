# SPDX-License-Identifier: Apache-2.0
"""What commands have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

# What `add_subparsers` returns has no public name.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def data_option() -> argparse.ArgumentParser:
    """The option that every command has, as a parent of its parser."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the data folder (default: $MOKANDA_RELAY_DATA, or /var/lib/mokanda-relay)",
    )
    return parent


def public_certificate_option() -> argparse.ArgumentParser:
    """The option of what leads devices to an address, as a parent of its parser."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--public-certificate",
        action="store_true",
        help="devices reach the relay through a proxy with a certificate of a public authority",
    )
    return parent


def between(minimum: int, maximum: int) -> Callable[[str], int]:
    """The type of an option that takes a number of these bounds."""

    def read(text: str) -> int:
        if not text.isdecimal() or not minimum <= int(text) <= maximum:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {minimum} to {maximum}")
        return int(text)

    return read


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the first of them a header, in columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
