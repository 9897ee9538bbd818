# SPDX-License-Identifier: Apache-2.0
"""Backups, from the command line: what systemd starts."""

import argparse
import os
import sys

from mokanda_firmware.backup import switch
from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Requests


def main() -> int:
    """Serve requests until there are none, or let restored data take their place."""
    parser = argparse.ArgumentParser(
        prog="mokanda-backup", description="Makes backups on memory sticks, and restores them."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="do what the keeper's page asks for")
    commands.add_parser("switch", help="at a start: let restored data take their place")
    arguments = parser.parse_args()
    service.start_logging()
    service.end_on_signals()
    os.umask(0o007)
    if arguments.command == "switch":
        switch.switch()
        return 0
    from mokanda_firmware.backup import sticks
    from mokanda_firmware.backup.daemon import Daemon, restart

    requests = Requests("backup")
    try:
        Daemon(requests, sticks.find, restart).run()
    finally:
        requests.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
