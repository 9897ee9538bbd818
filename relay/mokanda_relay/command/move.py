# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay move`: the relay goes elsewhere, and the devices follow."""

from __future__ import annotations

import argparse
import sys

from mokanda_relay.command.common import Commands, data_option, print_table
from mokanda_relay.operator import moving
from mokanda_relay.operator.reachable import look_at
from mokanda_relay.relay import open_relay
from mokanda_relay.store.settings import Settings
from mokanda_relay.store.tables import Move


def add_to(commands: Commands) -> None:
    """Add the commands."""
    move = commands.add_parser("move", help="have devices follow this relay to another address")
    group = move.add_subparsers(required=True, metavar="COMMAND")
    _define_start(group)
    listed = group.add_parser(
        "list", parents=[data_option()], help="show where the relay has moved, and who has followed"
    )
    listed.set_defaults(run=_list)
    undo = group.add_parser(
        "undo",
        parents=[data_option(), _options()],
        help="undo the last move, which no device has followed yet",
        description="Announce the place before the last move again. Only as long as no device has"
        " followed; after that, move back.",
    )
    undo.set_defaults(run=_undo)


def _options() -> argparse.ArgumentParser:
    """The options of what announces something, as a parent of its parser."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--public-certificate",
        action="store_true",
        help="devices reach it there through a proxy with a certificate of a public authority",
    )
    parent.add_argument("--dry-run", action="store_true", help="only say what would be announced")
    return parent


def _define_start(group: Commands) -> None:
    parser = group.add_parser(
        "start",
        parents=[data_option(), _options()],
        help="announce a move to the devices",
        description="Announce to each device, in the answer to its next hello, where the relay is"
        " from now on. It has to answer at both addresses until all devices have followed.",
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="URL",
        help="https address at which devices can reach this relay from now on",
    )
    parser.set_defaults(run=_start)


def _start(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    certificate = "" if options.public_certificate else relay.certificate.read_text()
    with relay.database.transaction() as session:
        move = moving.plan(relay, session, options.to, certificate)
        if not options.dry_run:
            moving.announce(relay, session, move)
    return _tell(move, dry=options.dry_run)


def _undo(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    with relay.database.transaction() as session:
        move = moving.undo(session, public=options.public_certificate)
        if not options.dry_run:
            moving.announce(relay, session, move)
    return _tell(move, dry=options.dry_run)


def _tell(move: Move, *, dry: bool) -> int:
    said = "Would announce" if dry else "Announced"
    sys.stdout.write(f"{said} move {move.number}: devices find this relay at {move.relay}.\n")
    problem = look_at(move.relay, move.certificate)
    if problem:
        sys.stderr.write(
            f"From here {move.relay} does not answer as this relay ({problem}). Devices that do not"
            " find it there either stay with the address that they know.\n"
        )
    return 0


def _list(_options: argparse.Namespace, settings: Settings) -> int:
    with open_relay(settings).database.reading() as session:
        made = moving.all_moves(session)
        progress = moving.progress(session)
    if progress is None:
        sys.stdout.write("This relay has not moved.\n")
        return 0
    rows = [(str(each.number), f"{each.at:%Y-%m-%d}", each.relay) for each in made]
    print_table([("MOVE", "SINCE", "ADDRESS"), *rows])
    sys.stdout.write("\n")
    print_table([("DEVICE", f"MOVE {progress.move.number}"), *progress.states.items()])
    return 0
