# SPDX-License-Identifier: Apache-2.0
"""Damage met in the mail store while it is in use, whoever met it.

It stays noted until the store has been mended, at the next start (mokanda_firmware.setup.mend).
"""

import logging
from datetime import UTC, datetime

from mokanda_firmware import paths
from mokanda_wire import durable

_log = logging.getLogger(__name__)


def note(what: str) -> None:
    """Note that there is some, and have it mended; `what` quotes no letter: it is logged."""
    if is_noted():
        return
    _log.error("%s", what)
    try:
        durable.write(paths.store_damage(), b"", 0o660)
    except OSError as error:
        _log.warning("%s", error)


def is_noted() -> bool:
    """Whether there is some that was not mended yet."""
    return paths.store_damage().exists()


def noted() -> str:
    """Return for the operator when it was met, "" if there is none."""
    try:
        moment = paths.store_damage().stat().st_mtime
    except FileNotFoundError:
        return ""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"
