# SPDX-License-Identifier: Apache-2.0
"""The lights' daemon, from the command line."""

import argparse

from mokanda_firmware import paths
from mokanda_firmware.bus import service
from mokanda_firmware.lights.daemon import Daemon
from mokanda_firmware.lights.lamps import of_board


def main() -> None:
    """Serve until SIGTERM; with --fault, show a fault and end."""
    parser = argparse.ArgumentParser(
        prog="mokanda-lights",
        description="Shows the device's state on the lamps that its board file names.",
    )
    parser.add_argument("--fault", action="store_true", help="show a fault, and end")
    arguments = parser.parse_args()
    service.start_logging()
    service.end_on_signals()
    daemon = Daemon(of_board(paths.board()))
    if arguments.fault:
        daemon.fail()
    else:
        daemon.run()


if __name__ == "__main__":
    main()
