# SPDX-License-Identifier: Apache-2.0
"""Whether the system that was started does its work.

The webmail answers, the store opens, and the firewall lets the device out.
"""

import http.client
import sqlite3
import time
from http import HTTPStatus

from mokanda_firmware import paths
from mokanda_firmware.bus import units
from mokanda_firmware.bus.states import UnitState

_PAUSE = 2.0  # seconds between tries


class UnhealthyError(Exception):
    """It does not; str() tells the log why."""


def wait_until_healthy(port: int, seconds: float) -> None:
    """Return once webmail, store and firewall do their work.

    Raises:
        UnhealthyError: they do not after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            _check_webmail(port)
            _check_store()
            _check_firewall()
        except UnhealthyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _check_webmail(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise UnhealthyError("The webmail does not answer.") from error
    finally:
        connection.close()
    if answer != HTTPStatus.OK:
        raise UnhealthyError(f"The webmail answers with an error ({answer}).")


def _check_store() -> None:
    """Read one row of each table: cheap, yet it needs schema, log and pages to be sound."""
    try:
        connection = sqlite3.connect(f"{paths.mail_database().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise UnhealthyError("The mail store does not open.") from error
    try:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        names = [name for (name,) in tables]
        if not names:
            raise UnhealthyError("The mail store is empty.")
        for name in names:
            connection.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchone()  # noqa: S608
    except sqlite3.Error as error:
        raise UnhealthyError(f"The mail store cannot be read ({error}).") from error
    finally:
        connection.close()


def _check_firewall() -> None:
    if units.state_of(units.FIREWALL) is UnitState.FAILED:
        raise UnhealthyError("The firewall did not start.")
