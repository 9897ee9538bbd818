# SPDX-License-Identifier: Apache-2.0
"""Serve the webmail: `python -m mokanda_firmware.webmail --help`."""

import argparse
import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable

from bottle import Bottle

from mokanda_firmware import heap, paths
from mokanda_firmware.bus.service import ready
from mokanda_firmware.mailbox.administration.housekeeping import keep_tidy
from mokanda_firmware.mailbox.store import copies
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreFull, StoreUnfit
from mokanda_firmware.webmail import emergency, watchdog
from mokanda_firmware.webmail.app import create_app
from mokanda_firmware.webmail.store_watch import StoreWatch
from mokanda_wire import durable
from mokanda_wire.http_reception import Limits
from mokanda_wire.http_server import Server

# A worker for each phone that sends a file at the same time; an idle one costs next to nothing. A
# phone opens six connections at most, and at the edge of the Wi-Fi it may be silent for a while.
_LIMITS = Limits(
    workers=32,
    workers_per_address=8,
    connections=160,
    per_address=16,
    idle=30,
    silence=30,
    grace=30,
)
_LOOK_AGAIN_SECONDS = 30.0  # at a store that does not open


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def make_server(address: tuple[str, int], app: Bottle) -> Server:
    """Make the HTTP server of an app; `serve` of it ends at `stop`."""
    return Server(address, app, _LIMITS)


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="mokanda-webmail",
        description="Serve the village's webmail. MOKANDA_DATA and MOKANDA_RUN say where the mail"
        " store and the daemons' statuses are.",
    )
    parser.add_argument(
        "--listen",
        type=_address,
        default="127.0.0.1:8080",
        metavar="HOST:PORT",
        help="where phones reach it (default: %(default)s)",
    )
    options = parser.parse_args()
    # Every password check takes 16 MiB, which each thread would keep in an arena of its own.
    heap.give_back(256 << 10, arenas=2)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            _serve(options.listen)
    except OSError as error:
        sys.exit(f"mokanda-webmail: {error}")
    except (KeyboardInterrupt, SystemExit):
        logging.info("stopping")
    return 0


def _serve(address: tuple[str, int]) -> None:
    """Serve the mail store; if it does not open, the page that says so, until it does."""
    watch = StoreWatch()
    try:
        store = _open()
    except StoreUnfit as error:
        watch.tell(error)
        server = make_server(address, emergency.create_app(error))
        _run(server, lambda: _stop_when_it_opens(server))
        return
    except StoreError as error:
        sys.exit(f"mokanda-webmail: {error}")
    _tell_of_room(store, watch)
    with contextlib.suppress(OSError):
        durable.write(paths.store_in_use(), b"", 0o660)
    try:
        _run(
            make_server(address, create_app(store, watch=watch)),
            lambda: keep_tidy(store, watch.tell, watch.has_deleted),
        )
    finally:
        store.close()
        with contextlib.suppress(OSError):
            paths.store_in_use().unlink(missing_ok=True)


def _open() -> Store:
    """Open the mail store; without the room for that, the copies of it have to go.

    They are of use to a damaged store, which has been mended before this, and come again with room.
    """
    try:
        return Store.of_device(lenient=True)
    except StoreFull as error:
        logging.warning("%s", error)
        with contextlib.suppress(OSError):
            if copies.give_up():
                return Store.of_device(lenient=True)
        raise


def _tell_of_room(store: Store, watch: StoreWatch) -> None:
    try:
        store.check_room()
    except StoreError as error:
        watch.tell(error)
    else:
        watch.tell(None)


def _run(server: Server, beside: Callable[[], None]) -> None:
    ended = threading.Event()
    try:
        server.prepare()
        logging.info("listening on %s:%d", *server.bind_addr)
        ready("webmail")
        watchdog.start(server.bind_addr, ended)
        beside()
        server.serve()
    finally:
        ended.set()
        server.stop()


def _stop_when_it_opens(server: Server) -> None:
    """Look at the store now and then: what was full, or a stick's switch, may be mended."""

    def look() -> None:
        while True:
            time.sleep(_LOOK_AGAIN_SECONDS)
            with contextlib.suppress(StoreError):
                Store.of_device().close()
                server.stop()
                return

    threading.Thread(target=look, name="store", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
