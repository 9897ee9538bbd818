# SPDX-License-Identifier: Apache-2.0
"""After each boot: the running slot proves itself, or what was tried in it is given up.

U-Boot counts a slot's starts down; only a slot that proved itself gets its tries back. A freshly
installed one that does not is restarted until it has none left, and the other slot runs again
(`trial-ended` restarts it, whatever has become of the proof).
"""

import logging

from mokanda_firmware import running
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.updates import daemon, health, rauc, rot, upkeep
from mokanda_firmware.updates.memory import Memory

_log = logging.getLogger(__name__)


def prove(port: int, seconds: float) -> bool:
    """Mark the running slot good once it does its work; returns whether it does.

    Args:
        port: the webmail's.
        seconds: how long to wait for it.
    """
    memory = Memory.read()
    if memory.is_on_trial:
        works = _prove_trial(memory, port, seconds)
    else:
        _end_trial(memory)
        _give_back(Memory.read())
        works = _prove_again(port, seconds)
        _mend_rot(works=works)
    daemon.show()
    if works:
        _log.info("slot %s works: version %s", running.slot(), running.version())
    return works


def _prove_trial(memory: Memory, port: int, seconds: float) -> bool:
    """Prove what was installed last, so that it stays; if the card is to blame, go back at once."""
    try:
        health.wait_until_proven(port, seconds, memory.lacked)
        rauc.mark_good()
    except (health.UnhealthyError, rauc.RefusedError) as error:
        _log.error("slot %s: %s", running.slot(), error)
        put_off = isinstance(error, health.CardError)
        _keep(memory._replace(installed=True, reason=error.sentence, put_off=put_off))
        if put_off:
            _start_other_next()  # without a try of this one being in vain
        return False
    _keep(memory.then(done=memory.trial, done_at=memory.begun))
    return True


def _prove_again(port: int, seconds: float) -> bool:
    """Give a slot that has proved itself before its tries back, once it is up.

    A mail store that cannot be used costs it none: the other slot does no better with that.
    """
    try:
        health.wait_until_up(port, seconds, excuse=_mark_good)
    except health.UnhealthyError as error:
        _log.error("slot %s: %s", running.slot(), error)
        return False
    if not _mark_good():
        return False
    memory = Memory.read()
    if memory.failed == memory.done == running.version():  # it has started after all
        _keep(memory._replace(failed="", reason=None))
    return True


def _mend_rot(*, works: bool) -> None:
    """Have mended what has rotted on the card; where the system does not work, it may be why.

    If it cannot be mended, the next start takes the other slot then: one that somebody makes by the
    switch, and not nine.
    """
    if rot.is_met() and not upkeep.have_mended() and not works:
        _start_other_next()


def _give_back(memory: Memory) -> None:
    """Let the version that proved itself last be started next, where an older one runs.

    It has used up its tries, by power cuts or because it hangs; or U-Boot's environment was lost,
    and with it the order of the slots. Once: if it does not start then, it is left alone.
    """
    version = running.version()
    if memory.trial or memory.done in ("", version, memory.failed):
        return
    _log.error("version %s proved itself last, and does not run", memory.done)
    _start_other_next()
    reason = Sentence(
        "Version {newer} did not start. Version {version} runs until the next start.",
        newer=memory.done,
        version=version,
    )
    _keep(memory._replace(failed=memory.done, reason=reason))


def _mark_good() -> bool:
    try:
        rauc.mark_good()
    except rauc.RefusedError as error:
        _log.error("slot %s: %s", running.slot(), error)
        return False
    return True


def _start_other_next() -> None:
    try:
        rauc.start_other_next()
    except rauc.RefusedError as error:
        _log.error("%s", error)


def _end_trial(memory: Memory) -> None:
    """Note how a trial in the other slot ended, as this one runs again."""
    if memory.trial and not memory.installed:  # the power was cut while it was being installed
        _keep(memory.then(wanted=memory.wanted))
    elif memory.trial and not memory.failed:
        reason = _said_of(memory.trial, memory.reason)
        if memory.put_off:
            _keep(memory._replace(failed=memory.trial, reason=reason))
        else:
            _keep(memory.then(failed=memory.trial, reason=reason))


def _said_of(trial: str, why: Sentence | None) -> Sentence:
    if why is None:  # it did not come so far as to say
        return Sentence(
            "Version {trial} did not start as it should. Version {version} runs again.",
            trial=trial,
            version=running.version(),
        )
    return Sentence(
        "Version {trial} did not prove itself. {why} Version {version} runs again.",
        trial=trial,
        version=running.version(),
        why=why,
    )


def _keep(memory: Memory) -> None:
    """Remember it, if the card takes it: what runs does not hang on that."""
    try:
        memory.keep()
    except OSError as error:
        _log.error("%s", error)
