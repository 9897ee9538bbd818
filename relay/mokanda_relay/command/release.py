# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay release`: updates for devices."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from mokanda_relay.command.common import Commands, between, data_option, print_table
from mokanda_relay.operator import rollouts
from mokanda_relay.relay import Relay, open_relay
from mokanda_relay.store import releases
from mokanda_relay.store.settings import Settings
from mokanda_relay.sync import rollout


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
    _add_channel_and_share(add, rollout.STABLE)
    add.set_defaults(run=_add)
    listed = group.add_parser(
        "list", parents=[data_option()], help="list the releases, and what became of them"
    )
    listed.set_defaults(run=_list)
    widen = group.add_parser(
        "set",
        parents=[data_option()],
        help="offer a release to another channel or to more devices",
        description="Offer a release to another channel, of which it comes to a first share then,"
        " or to a larger share of its own.",
    )
    widen.add_argument("name", metavar="NAME", help="as `release list` shows it")
    _add_channel_and_share(widen, None)
    widen.set_defaults(run=_set)
    for name, act, text in (
        ("hold", rollouts.hold, "offer a release to nobody for the time being"),
        ("go-on", rollouts.go_on, "offer a release again that is held or was withdrawn"),
        ("withdraw", rollouts.withdraw, "offer a release no more"),
    ):
        parser = group.add_parser(name, parents=[data_option()], help=text)
        parser.add_argument("name", metavar="NAME", help="as `release list` shows it")
        parser.set_defaults(run=_acting(act))


def _add_channel_and_share(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--channel",
        choices=(rollout.STABLE, rollout.CANDIDATE),
        default=default,
        help="the devices that it is for"
        + (" (default: %(default)s)" if default else "")
        + "; those of `candidate` are offered all at once",
    )
    parser.add_argument(
        "--share",
        type=between(1, 100),
        metavar="PERCENT",
        help="of the stable devices: to so many now (default: 10 at first, 50 after two days, all"
        " after four; twice that as long as nobody has tried it)",
    )


def _add(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    entry = rollouts.publish(
        relay,
        options.file,
        options.version,
        options.board,
        options.delta,
        options.channel,
        options.share,
    )
    sys.stdout.write(f"{entry.name}: {entry.size} bytes, sha256 {entry.sha256}\n")
    for each in releases.delta_entries(relay.releases):
        if each.release == entry.name:
            sys.stdout.write(f"{each.name}: {each.size} bytes, sha256 {each.sha256}\n")
    return _say(relay, entry.name)


def _set(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    rollouts.widen(relay, options.name, options.channel, options.share)
    return _say(relay, options.name)


def _acting(act: Callable[[Relay, str], None]) -> Callable[[argparse.Namespace, Settings], int]:
    def run(options: argparse.Namespace, settings: Settings) -> int:
        relay = open_relay(settings)
        act(relay, options.name)
        return _say(relay, options.name)

    return run


def _say(relay: Relay, name: str) -> int:
    """Say how far a release is offered now."""
    with relay.database.reading() as session:
        found = next(each for each in rollouts.standings(relay, session) if each.entry.name == name)
    sys.stdout.write(f"{name}: {found.says}; now for {found.offered_to} devices\n")
    return 0


def _list(_options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    head = ("NAME", "OFFERED", "FOR NOW", "RUNS ON", "GIVEN UP", "BYTES", "ADDED")
    rows: list[tuple[str, ...]] = [head]
    with relay.database.reading() as session:
        standings = list(rollouts.standings(relay, session))
    for each in reversed(standings):
        figures = (each.offered_to, len(each.running), len(each.failed), each.entry.size)
        rows.append((each.entry.name, each.says, *map(str, figures), each.entry.added))
    print_table(rows)
    for each in standings:
        if each.rollout.why:
            sys.stdout.write(f"{each.entry.name} is {each.rollout.state}: {each.rollout.why}\n")
        for name, trial in each.failed:
            sys.stdout.write(f"{each.entry.name}, {name}: {trial.why}\n")
    return 0
