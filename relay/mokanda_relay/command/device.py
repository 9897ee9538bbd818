# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay device`: the villages' devices."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mokanda_relay.command.common import (
    Commands,
    between,
    data_option,
    print_table,
    public_certificate_option,
)
from mokanda_relay.operator import devices, fleet, rollouts
from mokanda_relay.relay import open_relay
from mokanda_relay.store import clock
from mokanda_relay.store.settings import Settings
from mokanda_relay.sync import cards, rollout, usage_by_day
from mokanda_wire import claimfile


def add_to(commands: Commands) -> None:
    """Add the commands."""
    device = commands.add_parser("device", help="add, list, set up, renew or remove devices")
    group = device.add_subparsers(required=True, metavar="COMMAND")
    for define in (
        _define_add,
        _define_dns,
        _define_renew,
        _define_list,
        _define_costs,
        _define_set,
        _define_cards,
        _define_remove,
    ):
        define(group)


# add, dns and renew: what a device needs before it comes into being


def _claim_options() -> argparse.ArgumentParser:
    """The arguments of the commands that make a claim file, as a parent of their parsers."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("name", metavar="NAME", help="lower-case letters, digits and hyphens")
    parent.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"write the claim file here (call it {claimfile.NAME}), not to the screen",
    )
    return parent


def _define_add(group: Commands) -> None:
    parser = group.add_parser(
        "add",
        parents=[data_option(), _claim_options(), public_certificate_option()],
        help="add a device and make its claim file",
        description="Add a device and make its claim file; say what its mail domain needs in DNS.",
    )
    parser.add_argument(
        "--domain",
        default="",
        help="the village's mail domain (default: NAME.$MOKANDA_RELAY_DOMAIN)",
    )
    parser.set_defaults(run=_add)


def _add(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    claim = devices.add(relay, options.name, options.domain, pinned=not options.public_certificate)
    code = _give_out(claim, options.output, "added")
    if code == 0:
        sys.stderr.write(
            "For mail its domain needs this in DNS, which"
            f" `mokanda-relay device dns {claim.device}` prints again:\n"
            + devices.publish_dns(relay, claim.device)
        )
    return code


def _define_dns(group: Commands) -> None:
    parser = group.add_parser(
        "dns",
        parents=[data_option()],
        help="print what a device's mail domain needs in DNS",
        description="Print the DNS records that mail to and from a device's domain needs, as lines"
        " to paste into a zone file. What only SendGrid can tell stands in the comments.",
    )
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(run=_dns)


def _dns(options: argparse.Namespace, settings: Settings) -> int:
    sys.stdout.write(devices.publish_dns(open_relay(settings), options.name))
    return 0


def _define_renew(group: Commands) -> None:
    parser = group.add_parser(
        "renew",
        parents=[data_option(), _claim_options(), public_certificate_option()],
        help="make a new claim file for a device whose card was lost or replaced",
        description="Make a new claim file for a device. Its old card is locked out at once.",
    )
    parser.set_defaults(run=_renew)


def _renew(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    claim = devices.renew(relay, options.name, pinned=not options.public_certificate)
    return _give_out(claim, options.output, "renewed")


def _give_out(claim: claimfile.ClaimFile, output: Path | None, done: str) -> int:
    text = claimfile.write(claim)
    if output is None:
        sys.stdout.write(text)
        return 0
    try:
        output.write_text(text)
    except OSError as error:
        sys.stderr.write(
            f"mokanda-relay: {error}\nThe device is {done}; `mokanda-relay device renew"
            f" {claim.device} --output FILE` writes its claim file elsewhere.\n"
        )
        return 1
    sys.stderr.write(
        f"{claim.device} is {done}, with mail for @{claim.domain}. Copy {output} to the partition"
        f" SETUP of its card, as {claimfile.NAME}.\n"
    )
    return 0


# list and costs: what became of it


def _define_list(group: Commands) -> None:
    parser = group.add_parser("list", parents=[data_option()], help="list the devices")
    parser.set_defaults(run=_list)


def _list(_options: argparse.Namespace, settings: Settings) -> int:
    now = clock.now()
    rows = [
        (
            *("NAME", "DOMAIN", "CLAIMED", "LAST CONTACT", "ALL WENT"),
            *("WAITING", "THIS MONTH", "VERSION"),
        )
    ]
    with open_relay(settings).database.reading() as session:
        for village in fleet.villages(session):
            device = village.device
            rows.append(
                (
                    device.name,
                    device.domain,
                    device.claimed.strftime("%Y-%m-%d") if device.claimed else "no",
                    fleet.ago(device.last_exchange, now),
                    fleet.ago(device.last_sync, now),
                    f"{village.waiting_down} down, {village.waiting_out} out",
                    _usage(village.month),
                    device.version,
                )
            )
    print_table(rows)
    return 0


def _usage(month: usage_by_day.Sum) -> str:
    return ", ".join(filter(None, (fleet.size(month.up + month.down), month.price())))


def _define_costs(group: Commands) -> None:
    parser = group.add_parser(
        "costs",
        parents=[data_option()],
        help="show what a device's mail has cost by day",
        description="Show what crossed a device's link by day, and what that cost at the prices"
        " that its keeper has told; as the device counts it. It tells about once a day.",
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--days", type=int, default=31, metavar="N", help="the last N days (default: 31)"
    )
    parser.set_defaults(run=_costs)


def _costs(options: argparse.Namespace, settings: Settings) -> int:
    with open_relay(settings).database.reading() as session:
        device = devices.find(session, options.name)
        days = usage_by_day.of_device(session, device, max(options.days, 0))
    sums = [(day.day, usage_by_day.total([day])) for day in days]
    sums.append(("all", usage_by_day.total(days)))
    rows = [(name, fleet.size(part.up), fleet.size(part.down), part.price()) for name, part in sums]
    print_table([("DAY", "UP", "DOWN", "COST"), *rows])
    return 0


# set, cards and remove


def _define_set(group: Commands) -> None:
    parser = group.add_parser(
        "set",
        parents=[data_option()],
        help="say how large photos and files to a device may be, and which updates it is offered",
        description="Say how large what goes to a device may be. Photos are made smaller, larger"
        " files stay here; villagers may ask for either as it was, for 30 days. Say which updates"
        " it is offered. Without options: show what is set.",
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--photo-side",
        type=between(160, 8000),
        metavar="PIXELS",
        help="longest side of a photo (default: 1024)",
    )
    parser.add_argument(
        "--photo-kb",
        type=between(5, 10_000),
        metavar="KB",
        help="a photo has at most so many thousand bytes (default: 25)",
    )
    parser.add_argument(
        "--file-kb",
        type=between(0, 10_000),
        metavar="KB",
        help="any other file of more is held back until a villager asks for it (default: 100)",
    )
    parser.add_argument(
        "--channel",
        choices=(rollout.STABLE, rollout.CANDIDATE),
        help="candidate: offer it each update at once, also those that are to be tried first"
        " (default: stable)",
    )
    parser.add_argument(
        "--pin", metavar="VERSION", help="offer it this version alone (none: as its channel)"
    )
    parser.set_defaults(run=_set)


def _set(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    pin = rollouts.NONE if options.pin == "none" else options.pin
    rollouts.choose(relay, options.name, options.channel, pin)
    device = devices.set_limits(
        relay,
        options.name,
        photo_side=options.photo_side,
        photo_bytes=None if options.photo_kb is None else options.photo_kb * 1000,
        file_bytes=None if options.file_kb is None else options.file_kb * 1000,
    )
    sys.stdout.write(f"{device.name}: {fleet.limits(device)}; updates: {fleet.updates(device)}\n")
    return 0


def _define_cards(group: Commands) -> None:
    parser = group.add_parser(
        "cards",
        parents=[data_option()],
        help="choose which of two cards with the same identity is served",
        description="Where a card was copied and both call as the device, one is served and the"
        " other is not. Without --serve: show which cards call. With it: have that one served from"
        " now on.",
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--serve", type=int, metavar="CARD", help="the number of a card")
    parser.set_defaults(run=_cards)


def _cards(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    if options.serve is not None:
        devices.choose_card(relay, options.name, options.serve)
        sys.stdout.write(f"{options.name}: card {options.serve} is served from now on\n")
        return 0
    now = clock.now()
    with relay.database.reading() as session:
        living = cards.living(session, devices.find(session, options.name))
    if not living:
        sys.stdout.write(f"{options.name}: only one card calls\n")
        return 0
    rows = [
        (
            str(card.id),
            "yes" if card.served else "no",
            f"{fleet.at(card.since)}, {fleet.ago(card.since, now)}",
            f"{fleet.at(card.called)}, {fleet.ago(card.called, now)}",
            card.address or "-",
            fleet.figure(card.villagers),
            fleet.figure(card.applied_down),
            fleet.figure(card.announced_up),
            card.version,
        )
        for card in living
    ]
    head = (
        *("CARD", "SERVED", "FIRST CALL", "LAST CALL", "FROM"),
        *("VILLAGERS", "HAS DOWN TO", "WAITS UP", "VERSION"),
    )
    print_table([head, *rows])
    return 0


def _define_remove(group: Commands) -> None:
    parser = group.add_parser(
        "remove", parents=[data_option()], help="forget a device and its waiting mail"
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=_remove)


def _remove(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    with relay.database.reading() as session:
        device = devices.find(session, options.name)
        village = next(each for each in fleet.villages(session) if each.device.id == device.id)
    if not options.yes:
        sys.stderr.write(
            f"{device.name} (@{device.domain}) and the {village.waiting_down} mails that wait for"
            " it will be forgotten; this cannot be undone.\n"
        )
        sys.stderr.write("Type its name to go on: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip() != device.name:
            sys.stderr.write("Nothing was done.\n")
            return 1
    devices.remove(relay, device.name)
    return 0
