# SPDX-License-Identifier: Apache-2.0
"""The updates daemon: shows what the relay offers, and installs it when the keeper says so.

Nothing is downloaded unasked. Once asked for, an update is fetched however often the link breaks:
each time the courier has noted an offer, the download goes on where it stopped.
"""

import logging
import select
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from mokanda_firmware import paths, running
from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.requests import Request, RequestError, Requests, ask
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import UpdatesState
from mokanda_firmware.bus.statuses import CourierStatus, UpdatesStatus
from mokanda_firmware.updates import download, health, kept, rauc, slot, small
from mokanda_firmware.updates.download import readable
from mokanda_firmware.updates.memory import Memory
from mokanda_firmware.updates.upkeep import Upkeep
from mokanda_firmware.updates.versions import is_older
from mokanda_firmware.uplink import offer
from mokanda_firmware.uplink.offer import Delta, Offer

_log = logging.getLogger(__name__)

_IDLE = 10.0  # seconds without work or a request after which the daemon ends


def restart() -> None:
    """Restart the board."""
    subprocess.run(["systemctl", "reboot"], check=True)


def show() -> Offer | None:
    """Publish where things stand while nothing is done; returns the offer that can be installed."""
    offered, memory = offer.read(), Memory.read()
    version = running.version()
    older = ""
    if offered is not None and is_older(offered.version, version):
        older = offered.version
        offered = None
    elif offered is not None and offered.version == version:
        offered = None
    if memory.failed and (offered is None or offered.version == memory.failed):
        _publish(UpdatesState.FAILED, memory.reason, offered)
    elif older:
        # The flaws that were mended since would come back with it.
        said = Sentence(
            "Version {version} is running. The relay offers {offered}, which is older: it cannot be"
            " installed.",
            version=version,
            offered=older,
        )
        _publish(UpdatesState.IDLE, said)
    elif offered is None:
        _publish(*_at_rest(version))
    else:
        size = readable(_to_fetch(offered, memory))
        if offered.delta and memory.whole == offered.version:
            said = Sentence(
                "The small update does not fit this device. The whole of version {version} can be"
                " installed ({size}).",
                version=offered.version,
                size=size,
            )
        else:
            said = Sentence(
                "Version {version} can be installed ({size}).", version=offered.version, size=size
            )
        _publish(UpdatesState.AVAILABLE, said, offered)
    return offered


def _at_rest(version: str) -> tuple[UpdatesState, Sentence]:
    """What there is to say where no update is offered."""
    upkeep = Upkeep.read()
    if upkeep.trouble is not None:
        return UpdatesState.FAILED, upkeep.trouble
    if upkeep.is_news:
        return UpdatesState.IDLE, Sentence(
            "Version {version} is running. Parts of it had rotted on the card, and were mended.",
            version=version,
        )
    return UpdatesState.IDLE, Sentence("Version {version} is running.", version=version)


class Daemon:
    """Serves requests as long as there are any, and does one installation at a time."""

    def __init__(
        self, requests: Requests, link: download.Link, restart: Callable[[], None] = restart
    ) -> None:
        self._requests = requests
        self._link = link
        self._restart = restart
        self._work: threading.Thread | None = None

    def run(self) -> None:
        """Serve until nothing happens any more."""
        with Subscription() as changes:
            poller = select.poll()
            poller.register(self._requests.fileno(), select.POLLIN)
            poller.register(changes.fileno(), select.POLLIN)
            self._look()
            end = time.monotonic() + _IDLE
            while (left := end - time.monotonic()) > 0:
                ready = {descriptor for descriptor, _ in poller.poll(left * 1000)}
                if self._requests.fileno() in ready:
                    request = self._requests.receive(0)
                    if request is not None:
                        request.carry_out({"check": self._check, "install": self._install})
                        end = time.monotonic() + _IDLE
                # The courier may have noted another offer: systemd starts us but once.
                if changes.fileno() in ready and CourierStatus.NAME in changes.wait(0):
                    self._look()
                if self._working:
                    end = time.monotonic() + _IDLE

    def _look(self) -> None:
        """Show the offer, and go on with what was asked for."""
        if self._working:
            return
        offered = show()
        if offered is not None and offered.version == Memory.read().wanted:
            self._start(offered)

    @property
    def _working(self) -> bool:
        return self._work is not None and self._work.is_alive()

    def _check(self, request: Request) -> None:
        """The relay tells at the start of a session what it offers: have one.

        What failed before may be tried again then, for somebody asked.
        """
        memory = Memory.read()
        if memory.put_off:
            memory._replace(failed="", reason=None).keep()
            show()
        elif memory.failed:
            memory.then().keep()
            show()
        request.reply(**ask("courier", "sync"))

    def _install(self, request: Request) -> None:
        if self._working:
            request.reply(accepted=True)
            return
        offered = show()
        if offered is None:
            raise RequestError(Sentence("There is no update to install."))
        if not running.slot():
            raise RequestError(Sentence("This computer was not started from a card of ours."))
        memory = Memory.read()
        if memory.is_on_trial:
            # The other slot is the one to go back to.
            raise RequestError(
                Sentence(
                    "The version that runs has to prove itself first. Try again in 10 minutes."
                )
            )
        if not _lies_there(memory, offered):
            memory.then(wanted=offered.version).keep()
        request.reply(accepted=True)
        self._start(offered)

    def _start(self, offered: Offer) -> None:
        self._work = threading.Thread(target=self._update, args=(offered,), daemon=True)
        self._work.start()

    def _update(self, offered: Offer) -> None:
        _log.info("update to %s: begins", offered.version)
        try:
            memory = Memory.read()
            if _lies_there(memory, offered):
                self._start_once_more(memory, offered)
            else:
                self._fetch_and_install(offered)
        except download.InterruptedDownloadError as error:
            _log.warning("update to %s: %s", offered.version, error)
            # Still wanted: it goes on after the next sync.
            _publish(UpdatesState.FAILED, error.sentence, offered)
        except small.UnfitError as error:
            _log.error("update to %s: %s", offered.version, error)
            # Nobody has been asked for so many bytes.
            Memory.read().then(whole=offered.version).keep()
            show()
        except (download.FailedDownloadError, rauc.RefusedError) as error:
            _log.error("update to %s: %s", offered.version, error)
            Memory.read().then(failed=offered.version, reason=error.sentence).keep()
            show()
        except Exception as error:  # noqa: BLE001 - nobody else would tell the keeper
            _log.exception("update to %s", offered.version)
            reason = Sentence("The update failed ({why}).", why=str(error))
            Memory.read().then(failed=offered.version, reason=reason).keep()
            show()

    def _fetch_and_install(self, offered: Offer) -> None:
        bundle = self._fetch(offered)
        try:
            rauc.verify(bundle, offered.version)
            name = running.other_slot()
            with slot.writing(wait=True):
                trial = Memory.read().then(
                    wanted=offered.version,
                    trial=offered.version,
                    slot=name,
                    lacked=health.lacking(),
                    begun=int(time.time()),
                )
                trial.keep()
                progress = _Progress(UpdatesState.INSTALLING, offered, 100)
                progress(0)
                rauc.install(bundle, progress)
                trial._replace(wanted="", installed=True).keep()
            kept.keep(bundle)
        finally:
            bundle.unlink(missing_ok=True)
        _log.info("update to %s: lies in slot %s, restarting", offered.version, name)
        self._restart_into(offered)

    def _fetch(self, offered: Offer) -> Path:
        """Return the file of the update: rebuilt by a delta, unless it is to be had whole."""
        memory = Memory.read()
        folder, delta = paths.updates(), _delta(offered, memory)
        fetched = _Progress(UpdatesState.DOWNLOADING, offered, _to_fetch(offered, memory))
        fetched(0)
        if delta is None:
            return download.fetch(self._link, offered, folder, fetched)
        built = _Progress(UpdatesState.INSTALLING, offered, offered.size, is_built=True)
        return small.fetch(self._link, offered, delta, folder, fetched=fetched, built=built)

    def _start_once_more(self, memory: Memory, offered: Offer) -> None:
        """Try what lies in the other slot, and could not prove itself for the card's sake."""
        rauc.start_other_next()
        lacked, begun = health.lacking(), int(time.time())
        memory._replace(failed="", reason=None, put_off=False, lacked=lacked, begun=begun).keep()
        self._restart_into(offered)

    def _restart_into(self, offered: Offer) -> None:
        _publish(
            UpdatesState.INSTALLED,
            Sentence("Version {version} starts now.", version=offered.version),
            offered,
        )
        self._restart()


def _delta(offered: Offer, memory: Memory) -> Delta | None:
    """What the update is rebuilt by; None where it is fetched whole."""
    return None if memory.whole == offered.version else offered.delta


def _to_fetch(offered: Offer, memory: Memory) -> int:
    """How many bytes the update is over the air."""
    return (_delta(offered, memory) or offered).size


def _lies_there(memory: Memory, offered: Offer) -> bool:
    """Whether the other slot holds what is offered, put off and not given up."""
    return memory.put_off and memory.trial == offered.version and not memory.is_on_trial


class _Progress:
    """Publishes each percent of what is done, once."""

    def __init__(
        self, state: UpdatesState, offered: Offer, whole: int, *, is_built: bool = False
    ) -> None:
        self._state = state
        self._offered = offered
        self._whole = whole
        self._is_built = is_built
        self._percent = -1

    def __call__(self, done: int) -> None:
        percent = done * 100 // max(self._whole, 1)
        if percent == self._percent:
            return
        self._percent = percent
        version = self._offered.version
        if self._state is UpdatesState.DOWNLOADING:
            detail = Sentence(
                "Version {version} is being downloaded ({percent}%).",
                version=version,
                percent=percent,
            )
        elif self._is_built:
            detail = Sentence(
                "Version {version} is being put together ({percent}%).",
                version=version,
                percent=percent,
            )
        else:
            detail = Sentence(
                "Version {version} is being installed ({percent}%).",
                version=version,
                percent=percent,
            )
        _publish(self._state, detail, self._offered, progress=percent / 100)


def _publish(
    state: UpdatesState,
    detail: Sentence | None,
    offered: Offer | None = None,
    *,
    progress: float | None = None,
) -> None:
    memory = Memory.read()
    upkeep = Upkeep.read()
    at = datetime.fromtimestamp(memory.done_at, UTC)
    UpdatesStatus(
        state,
        detail=detail,
        version=running.version(),
        slot=running.slot(),
        installed=at if memory.done == running.version() else None,
        offered=offered.version if offered else None,
        failed=memory.failed,
        put_off=memory.put_off,
        size=_to_fetch(offered, memory) if offered else None,
        progress=progress,
        mended=datetime.fromtimestamp(upkeep.last.at, UTC) if upkeep.last else None,
        rot=str(upkeep),
    ).publish()
