# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay release`: updates for devices."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mokanda_relay.command.common import Commands, data_option, print_table
from mokanda_relay.relay import open_relay
from mokanda_relay.store import releases
from mokanda_relay.store.settings import Settings


def add_to(commands: Commands) -> None:
    """Add the commands."""
    release = commands.add_parser("release", help="offer updates to devices")
    group = release.add_subparsers(required=True, metavar="COMMAND")
    add = group.add_parser(
        "add", parents=[data_option()], help="offer FILE to the devices of a board"
    )
    add.add_argument(
        "file", type=Path, metavar="FILE", help="an update, as `make release` makes it"
    )
    add.add_argument("--version", required=True, metavar="V", help="what the update is called")
    add.add_argument(
        "--board",
        required=True,
        metavar="B",
        help="the board that it is for, such as orangepi-zero",
    )
    add.add_argument(
        "--delta",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="what of it a device needs that runs an earlier version, as `make release` makes it",
    )
    add.set_defaults(run=_add)
    listed = group.add_parser("list", parents=[data_option()], help="list the releases")
    listed.set_defaults(run=_list)


def _add(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    entry = releases.add(
        relay.releases, options.file, options.version, options.board, options.delta
    )
    sys.stdout.write(f"{entry.name}: {entry.size} bytes, sha256 {entry.sha256}\n")
    for each in releases.delta_entries(relay.releases):
        if each.release == entry.name:
            sys.stdout.write(f"{each.name}: {each.size} bytes, sha256 {each.sha256}\n")
    return 0


def _list(_options: argparse.Namespace, settings: Settings) -> int:
    listed = releases.entries(open_relay(settings).releases)
    rows = [(each.name, each.board, each.version, str(each.size), each.added) for each in listed]
    print_table([("NAME", "BOARD", "VERSION", "BYTES", "ADDED"), *rows])
    return 0
