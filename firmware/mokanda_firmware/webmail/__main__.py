# SPDX-License-Identifier: Apache-2.0
"""Serve the webmail: `python -m mokanda_firmware.webmail --help`."""

import argparse
import ctypes
import logging
import signal
import sys

from cheroot import wsgi

from mokanda_firmware.bus.service import notify
from mokanda_firmware.mailbox.administration.housekeeping import keep_tidy
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.webmail.app import create_app

# One for each phone that sends a file at the same time; an idle one costs next to nothing.
_THREADS = 32
# A phone at the edge of the Wi-Fi may be silent for this long.
_TIMEOUT_SECONDS = 30


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _give_memory_back() -> None:
    """Have glibc return large blocks at once (mallopt(3)).

    Every password check takes 16 MiB, and each thread would keep such a block in an arena of its
    own.
    """
    arena_max, mmap_threshold = -8, -3
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries need none of this
    if mallopt is not None:
        mallopt(arena_max, 2)
        mallopt(mmap_threshold, 256 << 10)


def make_server(address: tuple[str, int], store: Store) -> wsgi.Server:
    """Make the HTTP server of the webmail; `serve` of it ends at `stop`."""
    server = wsgi.Server(
        address,
        create_app(store),
        numthreads=_THREADS,
        server_name="mokanda",
        timeout=_TIMEOUT_SECONDS,
        request_queue_size=64,
    )
    server.max_request_header_size = 32768
    return server


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
    _give_memory_back()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        store = Store.of_device()
    except StoreError as error:
        sys.exit(f"mokanda-webmail: {error}")
    server = make_server(options.listen, store)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.prepare()
        logging.info("listening on %s:%d", *server.bind_addr)
        notify("READY=1")
        keep_tidy(store)
        server.serve()
    except OSError as error:
        sys.exit(f"mokanda-webmail: {error}")
    except (KeyboardInterrupt, SystemExit):
        logging.info("stopping")
    finally:
        server.stop()
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
