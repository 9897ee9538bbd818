# SPDX-License-Identifier: Apache-2.0
"""The PIN that a SIM card has taken, if the keeper wants it kept: a file for the daemon alone.

Three wrong ones lock a card. So it is given by itself only to that card, known by its number, while
that has all its tries, and not again before it was seen open. A power cut ends this wait where the
card tells its tries, as they show that none was lost; elsewhere only the open card does. It is
forgotten when the card refuses it.
"""

import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_firmware.modem.backend import PinError
from mokanda_wire import durable

_MAX_BYTES = 1000
_ALL_TRIES: Final = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptPin:
    """A PIN, the number (ICCID) of its card, and whether it was given and nobody knows how it went.

    A power cut does not end the last.
    """

    pin: str = field(repr=False)
    card: str
    is_in_doubt: bool = False

    @classmethod
    def read(cls) -> Self | None:
        """Return what is kept; None for nothing, or nothing that can be read."""
        return records.read(cls, paths.pin(), _MAX_BYTES)

    def keep(self) -> None:
        """Keep it in place of any other."""
        try:
            self._write()
        except OSError as error:
            _log.warning("the PIN is not kept: %s", error)

    def begin(self, tries: int | None) -> bool:
        """Note that it is about to be given to its card; False: it must not be, or cannot be noted.

        `tries` are those that the card has left, None if it does not tell.
        """
        if _given().exists() or (self.is_in_doubt if tries is None else tries < _ALL_TRIES):
            return False
        try:
            if tries is None:
                replace(self, is_in_doubt=True)._write()
            _given().parent.mkdir(parents=True, exist_ok=True)
            _given().touch()
        except OSError as error:
            _log.warning("the PIN is not given: %s", error)
            return False
        return True

    def _write(self) -> None:
        durable.write(paths.pin(), json.dumps(records.dump(self)).encode(), 0o600)


def _given() -> Path:
    """It was given in this boot, and nobody knows how it went."""
    return paths.run() / "pin-given"


def forget() -> None:
    """Forget what was kept."""
    try:
        paths.pin().unlink(missing_ok=True)
        _given().unlink(missing_ok=True)
    except OSError as error:
        _log.warning("the PIN is not forgotten: %s", error)


def give(card: Callable[[], str], tries: int | None, enter: Callable[[str], None]) -> bool:
    """Give a card the PIN that it took before, if it is that card; whether it was taken.

    `enter` raises PinError where the card refuses it.
    """
    kept = KeptPin.read()
    if kept is None or card() != kept.card or not kept.begin(tries):
        return False
    try:
        enter(kept.pin)
    except PinError:
        _log.warning("the card no longer takes the PIN that was kept: it is forgotten")
        forget()
        return False
    return True


def opened(card: Callable[[], str]) -> None:
    """Note that a card is open: it has taken what it was given, and may be given that again."""
    kept = KeptPin.read()
    if kept is None or not (kept.is_in_doubt or _given().exists()) or card() != kept.card:
        return
    if kept.is_in_doubt:
        replace(kept, is_in_doubt=False).keep()
    with contextlib.suppress(OSError):
        _given().unlink(missing_ok=True)
