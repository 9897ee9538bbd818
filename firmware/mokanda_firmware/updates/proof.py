# SPDX-License-Identifier: Apache-2.0
"""After each boot: the running slot proves itself, or what was tried in it is given up.

U-Boot counts a slot's starts down; only a slot that proved itself gets its tries back. A freshly
installed one that does not is restarted until it has none left, and the other slot runs again.
"""

import logging
from collections.abc import Callable

from mokanda_firmware import running
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import StoreState
from mokanda_firmware.bus.statuses import StoreStatus
from mokanda_firmware.updates import daemon, health, rauc
from mokanda_firmware.updates.memory import Memory

_log = logging.getLogger(__name__)


def prove(port: int, seconds: float, restart: Callable[[], None] = daemon.restart) -> bool:
    """Mark the running slot good once webmail and store do their work; returns whether they do.

    Args:
        port: the webmail's.
        seconds: how long to wait for them.
        restart: restarts the board: called when a freshly installed slot does not prove itself.
    """
    memory = Memory.read()
    on_trial = bool(memory.trial) and memory.slot == running.slot()
    try:
        health.wait_until_healthy(port, seconds)
        rauc.mark_good()
    except (health.UnhealthyError, rauc.RefusedError) as error:
        _log.error("slot %s: %s", running.slot(), error)
        if on_trial:
            restart()
        elif _is_store_at_fault():
            _mark_good_all_the_same()
        daemon.show()
        return False
    _log.info("slot %s works: version %s", running.slot(), running.version())
    if on_trial:
        memory.then(done=memory.trial, done_at=memory.begun).keep()
    elif memory.trial and memory.installed:
        reason = Sentence(
            "Version {trial} did not start as it should. Version {version} runs again.",
            trial=memory.trial,
            version=running.version(),
        )
        memory.then(failed=memory.trial, reason=reason).keep()
    elif memory.trial:  # the power was cut while it was being installed
        memory.then(wanted=memory.wanted).keep()
    daemon.show()
    return True


def _is_store_at_fault() -> bool:
    store = StoreStatus.read()
    return store is not None and store.state is not StoreState.SOUND


def _mark_good_all_the_same() -> None:
    """Keep this slot's tries from running out: the other one does no better with such a store."""
    try:
        rauc.mark_good()
    except rauc.RefusedError as error:
        _log.error("slot %s: %s", running.slot(), error)
