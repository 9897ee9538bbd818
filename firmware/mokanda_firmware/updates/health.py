# SPDX-License-Identifier: Apache-2.0
"""Whether the system that was started does its work.

A slot that has proved itself before has only to show that it has come up. A new one has to show all
that a village, and its next update, need: whatever of that worked before it was installed.
"""

import contextlib
import http.client
import sqlite3
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Final

from mokanda_firmware import paths
from mokanda_firmware.bus import units
from mokanda_firmware.bus.requests import RequestError, ask, ping
from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.bus.states import ModemState, StoreState, UnitState
from mokanda_firmware.bus.statuses import ModemStatus, StoreStatus
from mokanda_firmware.updates.system_units import Unit, all_units

PORT: Final = 80  # the webmail's, of a device
STEADY: Final = 60.0  # seconds for which every daemon has to run without an end

_PAUSE = 2.0  # seconds between tries
_LOOK = 5.0  # seconds between looks at the units of a new system
_ANSWER = 120.0  # seconds that a daemon may take on a slow board that starts everything at once
_DAEMONS = ("backup", "courier", "modem", "setup", "updates")
# No system does better with such a card.
_OF_THE_CARD = {StoreState.FAILING, StoreState.FULL, StoreState.READ_ONLY}


class UnhealthyError(SentenceError):
    """It does not; `sentence` tells people why."""


class StoreError(UnhealthyError):
    """It does not, as the mail store cannot be used as it is."""


class CardError(StoreError):
    """It does not, and the card is to blame."""


def wait_until_up(port: int, seconds: float, excuse: Callable[[], object]) -> None:
    """Return once webmail, store and firewall do their work.

    Args:
        port: the webmail's.
        seconds: how long to wait for them.
        excuse: is called, once, as soon as the mail store turns out to be what is to blame.

    Raises:
        UnhealthyError: they do not after so many seconds.
    """
    deadline = time.monotonic() + seconds
    is_excused = False
    while True:
        try:
            _check_webmail(port)
            _check_store(port)
            _check_firewall()
        except UnhealthyError as error:
            if isinstance(error, StoreError) and not is_excused:
                excuse()
                is_excused = True
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def wait_until_proven(port: int, seconds: float, lacked: Collection[str]) -> None:
    """Return once everything works, and every daemon has run for a minute without an end.

    Args:
        port: the webmail's.
        seconds: how long to wait for the last start of a daemon.
        lacked: what `lacking` has named under the system before; it need not work now either.

    Raises:
        CardError: the card is to blame that it does not.
        UnhealthyError: it does not after so many seconds.
    """
    deadline = time.monotonic() + seconds
    starts: Mapping[str, str] | None = None
    steady_since: float | None = None
    while True:
        try:
            now = _starts(lacked)
            if starts is not None and now != starts:
                changed, starts = _changed(starts, now), now
                raise UnhealthyError(
                    Sentence("A part of it ends again and again ({part}).", part=changed)
                )
            starts = now
            if steady_since is None:
                _check_webmail(port)
                for name, check in _parts(port):
                    if name not in lacked:
                        check()
                steady_since = time.monotonic()
            elif time.monotonic() - steady_since >= STEADY:
                _check_webmail(port)
                return
        except CardError:
            raise
        except UnhealthyError:
            steady_since = None
            if time.monotonic() > deadline:
                raise
        time.sleep(_LOOK)


def lacking(port: int = PORT) -> tuple[str, ...]:
    """Name what does not work now: nobody can expect it of the next version."""
    lacked: list[str] = []
    with contextlib.suppress(UnhealthyError):
        lacked += [unit.name for unit in _units() if not unit.works]
    for name, check in _parts(port):
        try:
            check()
        except UnhealthyError:
            lacked.append(name)
    return tuple(lacked)


def _parts(port: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """All that is looked at beside units and webmail, each by its name."""
    yield "store", partial(_check_store, port)
    for daemon in _DAEMONS:
        yield daemon, partial(_check_answer, daemon)
    yield "mail", _check_mail
    yield "stick", _check_stick


def _starts(lacked: Collection[str]) -> Mapping[str, str]:
    """Return the last start of each unit that always runs; all others are as they should be."""
    starts = {}
    for unit in _units():
        if unit.name in lacked:
            continue
        if not unit.works:
            raise UnhealthyError(Sentence("A part of it does not run ({part}).", part=unit.name))
        if unit.always_runs:
            starts[unit.name] = unit.start
    return starts


def _units() -> list[Unit]:
    try:
        return all_units()
    except (OSError, subprocess.SubprocessError) as error:
        raise UnhealthyError(
            Sentence("A part of it does not answer ({part}).", part="systemd")
        ) from error


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Name a unit of those whose last start is another one."""
    return min(name for name, _ in before.items() ^ now.items())


def _check_webmail(port: int) -> None:
    answer = _first_page(port)
    # What is wrong with the mail store is not the webmail's fault.
    if answer != HTTPStatus.OK and _unsound() is None:
        raise UnhealthyError(Sentence("It does not show its pages ({why}).", why=answer))


def _first_page(port: int) -> int:
    """Return the status with which the webmail answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise UnhealthyError(
            Sentence("It does not show its pages ({why}).", why=str(error))
        ) from error
    finally:
        connection.close()


def _unsound() -> StoreState | None:
    """Return what the webmail says is wrong with the mail store, or with the card."""
    store = StoreStatus.read()
    return store.state if store is not None and store.state is not StoreState.SOUND else None


def _check_store(port: int) -> None:
    """Read one row of each table: cheap, yet it needs schema, log and pages to be sound.

    On a full card all is read, and can be deleted: where the pages are shown, nobody is to blame.
    """
    unsound = _unsound()
    if unsound is StoreState.FULL and _first_page(port) == HTTPStatus.OK:
        unsound = None
    if unsound in _OF_THE_CARD:
        raise CardError(Sentence("The card is full, or cannot be written to."))
    if unsound is not None:
        raise StoreError(Sentence("It cannot read the mail ({why}).", why=unsound.value))
    try:
        connection = sqlite3.connect(f"{paths.mail_database().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise UnhealthyError(
            Sentence("It cannot read the mail ({why}).", why=str(error))
        ) from error
    try:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        names = [name for (name,) in tables]
        if not names:
            raise UnhealthyError(Sentence("It cannot read the mail ({why}).", why="empty"))
        for name in names:
            connection.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchone()  # noqa: S608
    except sqlite3.Error as error:
        raise UnhealthyError(
            Sentence("It cannot read the mail ({why}).", why=str(error))
        ) from error
    finally:
        connection.close()


def _check_firewall() -> None:
    if units.state_of(units.FIREWALL) is UnitState.FAILED:
        unit = f"{units.FIREWALL}.service"
        raise UnhealthyError(Sentence("A part of it does not run ({part}).", part=unit))


def _check_answer(daemon: str) -> None:
    try:
        ping(daemon, timeout=_ANSWER)
    except RequestError as error:
        raise UnhealthyError(
            Sentence("A part of it does not answer ({part}).", part=daemon)
        ) from error


def _check_mail() -> None:
    """Have the courier seal and open something as it would for the relay."""
    try:
        ask("courier", "rehearse", timeout=_ANSWER)
    except RequestError as error:
        raise UnhealthyError(error.sentence) from error


def _check_stick() -> None:
    modem = ModemStatus.read()
    if modem is None or modem.state in {ModemState.ABSENT, ModemState.FAULT}:
        raise UnhealthyError(Sentence("It does not find the modem."))
