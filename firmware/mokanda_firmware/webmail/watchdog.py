# SPDX-License-Identifier: Apache-2.0
"""Tells systemd that the webmail works: each time that it has answered a request like a phone's."""

import http.client
import logging
import threading

from mokanda_firmware.bus import service

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens, for all
_log = logging.getLogger(__name__)


def start(address: tuple[str, int], ended: threading.Event) -> None:
    """Ask the webmail at `address` now and then, until `ended`; nothing without a watchdog.

    An answer of any kind counts: what is wrong with the mail store is not mended by a restart.
    """
    seconds = service.watchdog_seconds()
    if seconds is None:
        return
    pause = seconds / 2  # and as long again for the answer: it comes in time, or not at all

    def work() -> None:
        while not ended.wait(pause):
            if answers(address, seconds):
                service.notify("WATCHDOG=1")

    threading.Thread(target=work, name="watchdog", daemon=True).start()


def answers(address: tuple[str, int], timeout: float) -> bool:
    """Whether a page comes, by an app that looks into the store, with `timeout` seconds a step."""
    host, port = address
    connection = http.client.HTTPConnection(_HERE.get(host, host), port, timeout=timeout)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        _log.error("the webmail does not answer itself: %s", error)
        return False
    finally:
        connection.close()
    return True
