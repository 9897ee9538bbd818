# SPDX-License-Identifier: Apache-2.0
"""Updates, from the command line: what systemd starts."""

import argparse
import sys

from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Requests
from mokanda_firmware.updates import health
from mokanda_firmware.updates.daemon import Daemon, show
from mokanda_firmware.updates.link import to_relay
from mokanda_firmware.updates.proof import prove
from mokanda_firmware.updates.upkeep import look_after_slots


def main() -> int:
    """Do what a unit is for; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="mokanda-updates", description="Installs updates, and proves the slot that runs."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="show what the relay offers, install it when asked")
    proving = commands.add_parser("prove", help="mark the running slot good when it does its work")
    proving.add_argument(
        "--port", type=int, default=health.PORT, help="the webmail's (default: %(default)s)"
    )
    proving.add_argument(
        "--seconds", type=float, default=300, help="how long to wait for it (default: 300)"
    )
    commands.add_parser("mend", help="look for what has rotted in the slots, and mend it")
    arguments = parser.parse_args()
    service.start_logging()
    service.end_on_signals()
    if arguments.command == "prove":
        return 0 if prove(arguments.port, arguments.seconds) else 1
    if arguments.command == "mend":
        if look_after_slots():
            show()
        return 0
    requests = Requests("updates")
    try:
        Daemon(requests, to_relay).run()
    finally:
        requests.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
