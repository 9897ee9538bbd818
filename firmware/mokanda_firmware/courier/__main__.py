# SPDX-License-Identifier: Apache-2.0
"""`python -m mokanda_firmware.courier`: the courier daemon, or one sync by hand."""

import argparse
import logging
import os
import sys

from mokanda_firmware.bus import service
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.courier import without_store
from mokanda_firmware.courier.daemon import Daemon
from mokanda_firmware.courier.run import run
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreUnfit
from mokanda_firmware.uplink.failures import CourierError

log = logging.getLogger(__name__)


def main() -> int:
    """Serve until a signal comes; with --once, sync once and say how it went."""
    parser = argparse.ArgumentParser(
        prog="python -m mokanda_firmware.courier",
        description="Carries mail between this device and its relay, at the scheduled times and "
        "when the webmail asks for it.",
    )
    parser.add_argument("--once", action="store_true", help="sync once, now, and end")
    parser.add_argument("--verbose", action="store_true", help="log more")
    arguments = parser.parse_args()
    service.start_logging(verbose=arguments.verbose)
    service.end_on_signals()
    os.umask(0o007)  # the daemons share the store by their group
    while True:
        try:
            store = Store.of_device()
        except StoreUnfit as error:
            if arguments.once:
                return 0 if without_store.tell(error) else 1
            without_store.serve(error)
        except StoreError as error:
            log.error("the mail store cannot be opened: %s", error)
            return 1
        else:
            break
    if arguments.once:
        return _once(store)
    daemon = Daemon(store)
    try:
        daemon.serve()
    except StoreUnfit as error:
        log.error("%s", error)
        return 1  # the next start finds out what can be done
    finally:
        daemon.close()
    return 0


def _once(store: Store) -> int:
    def report(state: CourierState, progress: float | None) -> None:
        part = f" {progress:.0%}" if progress is not None else ""
        log.info("%s%s", state, part)

    try:
        record = run(store, report)
    except CourierError as error:
        log.error("%s", error)
        return 1
    log.info(
        "sent %d, received %d mails; %d bytes up, %d down, by %s",
        *(record.sent, record.received, record.bytes_up, record.bytes_down, record.link),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
