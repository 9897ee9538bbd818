# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay move`: the relay takes another address or key, and the devices follow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from sqlalchemy.orm import Session

from mokanda_relay.command.common import (
    Commands,
    data_option,
    print_table,
    public_certificate_option,
)
from mokanda_relay.operator import moving
from mokanda_relay.operator.reachable import look_at
from mokanda_relay.relay import Relay, open_relay
from mokanda_relay.store.settings import Settings
from mokanda_relay.store.tables import Move


def add_to(commands: Commands) -> None:
    """Add the commands."""
    move = commands.add_parser(
        "move", help="have devices follow this relay to another address or key"
    )
    group = move.add_subparsers(required=True, metavar="COMMAND")
    for define in (_define_start, _define_new_key, _define_list, _define_undo, _define_retire_key):
        define(group)


def _dry_run() -> argparse.ArgumentParser:
    """The option of what changes something, as a parent of its parser."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--dry-run", action="store_true", help="only say what would be done")
    return parent


def _define_start(group: Commands) -> None:
    parser = group.add_parser(
        "start",
        parents=[data_option(), _dry_run(), public_certificate_option()],
        help="announce a new address to the devices",
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
    return _announce(
        relay,
        lambda session: moving.to_address(relay, session, options.to, certificate),
        dry=options.dry_run,
    )


def _define_new_key(group: Commands) -> None:
    parser = group.add_parser(
        "new-key",
        parents=[data_option(), _dry_run()],
        help="make a new key for the relay, and announce it to the devices",
        description="Make a new OpenPGP key and announce it to each device, signed with the key"
        " that it knows. Both keys work until the former one is retired. Copy the data folder"
        " again after this: without the new key no device that has followed trusts the relay.",
    )
    parser.set_defaults(run=_new_key)


def _new_key(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    code = _announce(relay, lambda session: moving.to_new_key(relay, session), dry=options.dry_run)
    relay.keyring.close()
    return code


def _define_undo(group: Commands) -> None:
    parser = group.add_parser(
        "undo",
        parents=[data_option(), _dry_run(), public_certificate_option()],
        help="undo the last move, which no device has followed yet",
        description="Announce the place or key before the last move again. Only as long as no"
        " device has followed; after that, start another move.",
    )
    parser.set_defaults(run=_undo)


def _undo(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    return _announce(
        relay,
        lambda session: moving.undo(session, public=options.public_certificate),
        dry=options.dry_run,
    )


def _announce(relay: Relay, plan: Callable[[Session], Move], *, dry: bool) -> int:
    with relay.database.transaction() as session:
        move = plan(session)
        if not dry:
            moving.announce(relay, session, move)
    said = "Would announce" if dry else "Announced"
    key = f"by the key {move.fingerprint}" if move.fingerprint else "by a new key"
    sys.stdout.write(
        f"{said} move {move.number}: devices find this relay at {move.relay}, {key}.\n"
    )
    problem = look_at(move.relay, move.certificate)
    if problem:
        sys.stderr.write(
            f"From here {move.relay} does not answer as this relay ({problem}). Devices that do not"
            " find it there either stay with the address that they know.\n"
        )
    return 0


def _define_list(group: Commands) -> None:
    parser = group.add_parser(
        "list", parents=[data_option()], help="show where the relay has moved, and who has followed"
    )
    parser.set_defaults(run=_list)


def _list(_options: argparse.Namespace, settings: Settings) -> int:
    with open_relay(settings).database.reading() as session:
        made = moving.all_moves(session)
        progress = moving.progress(session)
    if progress is None:
        sys.stdout.write("This relay has not moved.\n")
        return 0
    rows = [(str(each.number), f"{each.at:%Y-%m-%d}", each.relay, _key(each)) for each in made]
    print_table([("MOVE", "SINCE", "ADDRESS", "KEY"), *rows])
    sys.stdout.write("\n")
    print_table([("DEVICE", f"MOVE {progress.move.number}"), *progress.states.items()])
    return 0


def _key(move: Move) -> str:
    return f"{move.fingerprint}{' (retired)' if move.key_retired else ''}"


def _define_retire_key(group: Commands) -> None:
    parser = group.add_parser(
        "retire-key",
        parents=[data_option(), _dry_run()],
        help="delete the relay's former keys, once all devices have followed to the new one",
        description="Delete the secret halves of all keys but the last one. Whoever has them can"
        " pretend to be this relay no longer to any device; what is sealed to them cannot be read"
        " any more. Refused as long as that would cut off a device.",
    )
    parser.add_argument(
        "--force", action="store_true", help="also if devices are cut off: they need new claims"
    )
    parser.set_defaults(run=_retire_key)


def _retire_key(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    with relay.database.reading() as session:
        found = moving.retirement(relay, session)
    if not found.fingerprints:
        sys.stdout.write("This relay has no former key.\n")
        return 0
    for name, why in found.cut_off.items():
        sys.stderr.write(f"{name} would be cut off: {why}\n")
    if options.dry_run:
        sys.stdout.write("".join(f"Would retire {each}.\n" for each in found.fingerprints))
        return 0
    if found.cut_off and not options.force:
        sys.stderr.write(
            "Nothing was done. Wait until they have followed; --force does it all the same, and"
            " `mokanda-relay device renew NAME` makes a new claim file for each of them.\n"
        )
        return 1
    moving.retire(relay, found.fingerprints)
    relay.keyring.close()
    sys.stdout.write("".join(f"Retired {each}.\n" for each in found.fingerprints))
    return 0
