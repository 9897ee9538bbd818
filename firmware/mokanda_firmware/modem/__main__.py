# SPDX-License-Identifier: Apache-2.0
"""The modem's daemon, from the command line."""

import argparse
import logging
import signal
from functools import partial

from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Requests
from mokanda_firmware.modem import restarts
from mokanda_firmware.modem.at.call import Call
from mokanda_firmware.modem.clock import SystemClock
from mokanda_firmware.modem.daemon import Daemon
from mokanda_firmware.modem.sticks import Watch

_log = logging.getLogger(__name__)


def _tell_of_restart() -> None:
    try:
        restarts.recognise()
    except OSError as error:
        _log.warning("that the device has restarted by itself cannot be noted: %s", error)
    if restarts.before_this_boot() is not None:
        _log.warning("the device has restarted by itself, as the modem no longer answered")


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="mokanda-modem",
        description="Keeps the USB modem's status published, and connects and disconnects it.",
    )
    parser.add_argument("--verbose", action="store_true", help="log every AT command")
    arguments = parser.parse_args()
    service.start_logging(verbose=arguments.verbose)
    requests, clock = Requests("modem"), SystemClock()
    _tell_of_restart()
    daemon = Daemon(Watch(), requests, clock, partial(Call, clock=clock))
    # Not by SystemExit, which might come to a thread of several while it waits for its turn.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.end())
    try:
        daemon.run()
    finally:
        requests.close()


if __name__ == "__main__":
    main()
