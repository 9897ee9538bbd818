# SPDX-License-Identifier: Apache-2.0
"""The PIN that a SIM card has taken, if the keeper wants it kept: a file for the daemon alone."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_firmware.modem.backend import PinError
from mokanda_wire import durable

_MAX_BYTES = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptPin:
    """A PIN, and the number (ICCID) of its card."""

    pin: str = field(repr=False)
    card: str

    @classmethod
    def read(cls) -> Self | None:
        """Return what is kept; None for nothing, or nothing that can be read."""
        return records.read(cls, paths.pin(), _MAX_BYTES)

    def keep(self) -> None:
        """Keep it in place of any other."""
        try:
            durable.write(paths.pin(), json.dumps(records.dump(self)).encode(), 0o600)
        except OSError as error:
            _log.warning("the PIN is not kept: %s", error)


def forget() -> None:
    """Forget what was kept."""
    try:
        paths.pin().unlink(missing_ok=True)
    except OSError as error:
        _log.warning("the PIN is not forgotten: %s", error)


def give(card: Callable[[], str], tries: int | None, enter: Callable[[str], None]) -> bool:
    """Give a card the PIN that it took before, if it is that card; whether it was taken.

    `enter` raises PinError where the card refuses it.
    """
    kept, given = KeptPin.read(), paths.run() / "pin-given"
    if kept is None or given.exists() or (tries is not None and tries < 2):
        return False
    if card() != kept.card:
        return False
    try:
        given.parent.mkdir(parents=True, exist_ok=True)
        given.touch()  # before it is given: the next time it is the keeper's turn
    except OSError as error:
        _log.warning("the PIN is not given: %s", error)
        return False
    try:
        enter(kept.pin)
    except PinError:
        _log.warning("the card no longer takes the PIN that was kept: it is forgotten")
        forget()
        return False
    return True
