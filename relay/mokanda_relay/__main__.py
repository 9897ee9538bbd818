# SPDX-License-Identifier: Apache-2.0
"""The command `mokanda-relay`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from mokanda_relay.operator import devices, fleet
from mokanda_relay.relay import DataFolderError, open_relay
from mokanda_relay.store import alerts, releases
from mokanda_relay.store.database import DatabaseError
from mokanda_relay.store.settings import (
    ENVIRONMENT,
    Settings,
    SettingsError,
    parse_listen,
    read_settings,
)
from mokanda_relay.sync import usage_by_day
from mokanda_relay.transport import webhook
from mokanda_wire import claimfile
from mokanda_wire.envelope import EnvelopeError, KeyringError

_FAILURES = (
    DataFolderError,
    DatabaseError,
    EnvelopeError,
    KeyringError,
    SettingsError,
    devices.DeviceError,
    releases.ReleaseError,
)

log = logging.getLogger("mokanda_relay")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # keys, mail and claim codes are nobody else's
    try:
        settings = read_settings(os.environ, options.data)
        code: int = options.run(options, settings)
    except _FAILURES as error:
        sys.stderr.write(f"mokanda-relay: {error}\n")
        return 1
    except BrokenPipeError:
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mokanda-relay",
        description="The server that speaks to the world's mail for Mokanda devices.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the data folder (default: $MOKANDA_RELAY_DATA, or /var/lib/mokanda-relay)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        parents=[common],
        help="run the relay",
        description="Run the relay until SIGTERM or Ctrl-C.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default="0.0.0.0:8443",
        help="where devices connect, by TLS (default: %(default)s)",
    )
    serve.add_argument(
        "--operator",
        metavar="HOST:PORT",
        default="127.0.0.1:8081",
        help="operator page and SendGrid's webhooks, plain HTTP, for loopback or a proxy"
        " (default: %(default)s)",
    )
    serve.set_defaults(run=_serve)

    _add_device_commands(
        commands.add_parser("device", help="add, list, set up, renew or remove devices"), common
    )

    release = commands.add_parser("release", help="offer updates to devices").add_subparsers(
        required=True, metavar="COMMAND"
    )
    add = release.add_parser("add", parents=[common], help="offer FILE to the devices of a board")
    add.add_argument("file", type=Path, metavar="FILE")
    add.add_argument("--version", required=True, metavar="V")
    add.add_argument("--board", required=True, metavar="B")
    add.set_defaults(run=_release_add)
    listed = release.add_parser("list", parents=[common], help="list the releases")
    listed.set_defaults(run=_release_list)

    webhooks = commands.add_parser(
        "webhooks",
        parents=[common],
        help="print the paths to enter at SendGrid",
        description="Print the paths of the two webhooks. Enter them at SendGrid behind the public"
        " address of the operator's listener; the first holds a secret.",
    )
    webhooks.set_defaults(run=_webhooks)
    return parser


def _add_device_commands(device: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    commands = device.add_subparsers(required=True, metavar="COMMAND")
    claim = argparse.ArgumentParser(add_help=False)
    claim.add_argument("name", metavar="NAME", help="lower-case letters, digits and hyphens")
    claim.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"write the claim file here (call it {claimfile.NAME}), not to the screen",
    )
    claim.add_argument(
        "--public-certificate",
        action="store_true",
        help="devices reach the relay through a proxy with a certificate of a public authority",
    )

    add = commands.add_parser(
        "add", parents=[common, claim], help="add a device and make its claim file"
    )
    add.add_argument(
        "--domain",
        default="",
        help="the village's mail domain (default: NAME.$MOKANDA_RELAY_DOMAIN)",
    )
    add.set_defaults(run=_device_add)

    renew = commands.add_parser(
        "renew",
        parents=[common, claim],
        help="make a new claim file for a device whose card was lost or replaced",
        description="Make a new claim file for a device. Its old card is locked out at once.",
    )
    renew.set_defaults(run=_device_renew)

    listed = commands.add_parser("list", parents=[common], help="list the devices")
    listed.set_defaults(run=_device_list)

    costs = commands.add_parser(
        "costs",
        parents=[common],
        help="show what a device's mail has cost by day",
        description="Show what crossed a device's link by day, and what that cost at the prices"
        " that its keeper has told; as the device counts it. It tells about once a day.",
    )
    costs.add_argument("name", metavar="NAME")
    costs.add_argument(
        "--days", type=int, default=31, metavar="N", help="the last N days (default: 31)"
    )
    costs.set_defaults(run=_device_costs)

    limits = commands.add_parser(
        "set",
        parents=[common],
        help="say how large photos and files to a device may be",
        description="Say how large what goes to a device may be. Photos are made smaller, larger"
        " files stay here; villagers may ask for either as it was, for 30 days. Without options:"
        " show what is set.",
    )
    limits.add_argument("name", metavar="NAME")
    limits.add_argument(
        "--photo-side",
        type=_between(160, 8000),
        metavar="PIXELS",
        help="longest side of a photo (default: 1024)",
    )
    limits.add_argument(
        "--photo-kb",
        type=_between(5, 10_000),
        metavar="KB",
        help="a photo has at most so many thousand bytes (default: 25)",
    )
    limits.add_argument(
        "--file-kb",
        type=_between(0, 10_000),
        metavar="KB",
        help="any other file of more is held back until a villager asks for it (default: 100)",
    )
    limits.set_defaults(run=_device_set)

    remove = commands.add_parser(
        "remove", parents=[common], help="forget a device and its waiting mail"
    )
    remove.add_argument("name", metavar="NAME")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.set_defaults(run=_device_remove)


def _between(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return read


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from mokanda_relay.http.server import running

    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    listen, operator = parse_listen(options.listen), parse_listen(options.operator)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    relay = open_relay(settings)
    try:
        with running(relay, listen, operator) as (device_address, operator_address):
            log.info("devices: https://%s as %s", device_address, settings.url or "(no public URL)")
            log.info("operator: http://%s/", operator_address)
            if not settings.operator_password and operator.host not in ("127.0.0.1", "::1"):
                log.warning(
                    "anyone who reaches the operator page may read it:"
                    " MOKANDA_OPERATOR_PASSWORD is not set"
                )
            if relay.transport.missing_setting:
                log.warning(
                    "mail to the world waits: %s is not set", relay.transport.missing_setting
                )
            stop.wait()
            log.info("stopping")
    except OSError as error:
        sys.stderr.write(f"mokanda-relay: cannot listen: {error}\n")
        return 1
    finally:
        relay.database.close()
        relay.keyring.close()
    logging.shutdown()
    # A worker that is still in the middle of something would keep the interpreter waiting; what
    # it has not committed is undone, as after a crash.
    os._exit(0)


def _device_add(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    claim = devices.add(relay, options.name, options.domain, pinned=not options.public_certificate)
    return _give_out(claim, options.output)


def _device_renew(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    claim = devices.renew(relay, options.name, pinned=not options.public_certificate)
    return _give_out(claim, options.output)


def _give_out(claim: claimfile.ClaimFile, output: Path | None) -> int:
    text = claimfile.write(claim)
    if output is None:
        sys.stdout.write(text)
        return 0
    try:
        output.write_text(text)
    except OSError as error:
        sys.stderr.write(
            f"mokanda-relay: {error}\nThe device is added; `mokanda-relay device renew"
            f" {claim.device} --output FILE` writes its claim file elsewhere.\n"
        )
        return 1
    sys.stderr.write(
        f"{claim.device} is added, with mail for @{claim.domain}. Copy {output} to the partition"
        f" SETUP of its card, as {claimfile.NAME}.\n"
    )
    return 0


def _device_list(_options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    now = alerts.now()
    rows = [("NAME", "DOMAIN", "CLAIMED", "LAST SYNC", "WAITING", "THIS MONTH", "VERSION")]
    with relay.database.reading() as session:
        for village in fleet.villages(session):
            device = village.device
            rows.append(
                (
                    device.name,
                    device.domain,
                    device.claimed.strftime("%Y-%m-%d") if device.claimed else "no",
                    fleet.ago(device.last_sync, now),
                    f"{village.waiting_down} down, {village.waiting_out} out",
                    _month(village.month),
                    device.version,
                )
            )
    _table(rows)
    return 0


def _month(month: usage_by_day.Sum) -> str:
    return ", ".join(filter(None, (fleet.size(month.up + month.down), month.price())))


def _device_costs(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    rows = [("DAY", "UP", "DOWN", "COST")]
    with relay.database.reading() as session:
        device = devices.find(session, options.name)
        shown = usage_by_day.of_device(session, device, max(options.days, 0))
    parts = [(day.day, usage_by_day.total([day])) for day in shown] + [
        ("all", usage_by_day.total(shown))
    ]
    for name, part in parts:
        rows.append((name, fleet.size(part.up), fleet.size(part.down), part.price()))
    _table(rows)
    return 0


def _device_set(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    device = devices.set_limits(
        relay,
        options.name,
        photo_side=options.photo_side,
        photo_bytes=options.photo_kb and options.photo_kb * 1000,
        file_bytes=None if options.file_kb is None else options.file_kb * 1000,
    )
    sys.stdout.write(f"{device.name}: {fleet.limits(device)}\n")
    return 0


def _device_remove(options: argparse.Namespace, settings: Settings) -> int:
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


def _release_add(options: argparse.Namespace, settings: Settings) -> int:
    relay = open_relay(settings)
    entry = releases.add(relay.releases, options.file, options.version, options.board)
    sys.stdout.write(f"{entry.name}: {entry.size} bytes, sha256 {entry.sha256}\n")
    return 0


def _release_list(_options: argparse.Namespace, settings: Settings) -> int:
    listed = releases.entries(open_relay(settings).releases)
    rows = [(each.name, each.board, each.version, str(each.size), each.added) for each in listed]
    _table([("NAME", "BOARD", "VERSION", "BYTES", "ADDED"), *rows])
    return 0


def _webhooks(_options: argparse.Namespace, settings: Settings) -> int:
    for each in open_relay(settings).webhooks():
        sys.stdout.write(f"{each.title}: {webhook.path(each)}\n")
    return 0


def _table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


if __name__ == "__main__":
    sys.exit(main())
