# SPDX-License-Identifier: Apache-2.0
"""The courier's loop: waits for the next time, a request or a claim file; nothing polls."""

import logging
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

from mokanda_firmware.bus import service
from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.requests import Request, RequestError, Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState, ModemState
from mokanda_firmware.bus.statuses import CourierStatus, ModemStatus, SetupStatus
from mokanda_firmware.courier import balance, card, claim, rehearsal, schedule
from mokanda_firmware.courier.run import run
from mokanda_firmware.mailbox.costs import tariff, usage
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.store.settings import setting
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.sessions import last_sessions
from mokanda_firmware.uplink import identity, refusals
from mokanda_firmware.uplink.failures import (
    BudgetSpentError,
    CourierError,
    RefusedError,
)
from mokanda_firmware.zones import zone_of
from mokanda_wire import protocol

# The clock may be wrong until the relay has told the time, and with it every scheduled time.
FIRST_SYNC = timedelta(seconds=90)
# The clock may be set by somebody else: look at it now and then.
MAX_WAIT = timedelta(hours=6)
# A run that has told nothing for so long hangs: every step of it has a limit of minutes.
MAX_SILENCE = timedelta(minutes=30)
# What a relay refuses is the device then, whatever it sends: somebody has to do something.
_OF_THE_DEVICE = [
    refusals.SENTENCES[reason]
    for reason in (protocol.DEVICE_UNKNOWN, protocol.CARD_COPIED, protocol.TOO_OLD)
]

log = logging.getLogger(__name__)


class Daemon:
    """The courier of a device."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._requests = Requests("courier")
        self._statuses = Subscription()
        self._done_reader, self._done_writer = os.pipe2(os.O_CLOEXEC)
        self._running: threading.Thread | None = None
        self._lock = threading.Lock()  # of what is published, by both threads
        self._status = CourierStatus(
            CourierState.UNCLAIMED if identity.read() is None else CourierState.IDLE
        )
        self._published: CourierStatus | None = None
        self._planned = datetime.min.replace(tzinfo=UTC)  # when the keeper last changed the plan
        self._plan_again = 0.0
        self._heard = 0.0  # when the run last told something
        self._again = False
        self._beyond = False  # whether the next run may go beyond the day's budget
        self._error: CourierError | None = None
        self._refusal: Sentence | None = None  # why the relay has refused the device last time
        self._failures = 0
        self._first: float | None = time.monotonic() + FIRST_SYNC.total_seconds()
        self._due = self._first  # the next try, as are the others in seconds of the monotonic clock
        self._night_ends = self._first + schedule.NIGHT.total_seconds()

    def serve(self) -> None:
        """Work until a signal ends the process."""
        if identity.read() is None:
            self._due = time.monotonic()
        self._remember()
        self._rest()
        service.ready("courier")
        while True:
            for event in self._wait():
                if event == self._done_reader:
                    os.read(self._done_reader, 1)
                    self._ended()
                elif event == self._requests.fileno():
                    self._answer()
                else:
                    self._look_at(self._statuses.wait(0))
            if self._running is None and time.monotonic() >= self._due:
                self._start()
            if not self._hangs():
                service.notify("WATCHDOG=1")

    def close(self) -> None:
        """Stop taking requests."""
        self._requests.close()
        self._statuses.close()

    def _hangs(self) -> bool:
        """Whether there is a run that does not get on, for systemd's watchdog."""
        silence = time.monotonic() - self._heard
        return self._running is not None and silence > MAX_SILENCE.total_seconds()

    def _wait(self) -> list[int]:
        poller = select.poll()
        for descriptor in (self._requests.fileno(), self._statuses.fileno(), self._done_reader):
            poller.register(descriptor, select.POLLIN)
        seconds = service.watchdog_seconds()
        if self._running is None:
            left = max(0.0, min(self._due, self._plan_again) - time.monotonic())
            seconds = left if seconds is None else min(left, seconds)
        found = poller.poll(None if seconds is None else seconds * 1000 + 1)
        if not found and self._running is None and self._plan_again <= time.monotonic() < self._due:
            self._plan()
            self._publish()
        return [descriptor for descriptor, _ in found]

    def _answer(self) -> None:
        request = self._requests.receive(0)
        if request is not None:
            request.carry_out(
                {
                    "sync": self._sync,
                    "waiting": self._recount,
                    "count": self._count,
                    "reschedule": self._reschedule,
                    "rehearse": self._rehearse,
                }
            )

    def _sync(self, request: Request) -> None:
        """Go now, and once more if mail may have come since a run began."""
        self._beyond = request.flag("beyond") or self._beyond
        request.reply(accepted=True)
        self._again = self._running is not None
        self._start()

    def _recount(self, request: Request) -> None:
        """Count what waits: a letter was written, or taken back."""
        request.reply()
        self._count_waiting()
        self._publish()

    def _count(self, request: Request) -> None:
        """Count bytes that another daemon has moved."""
        up, down = request.count("up"), request.count("down")
        try:
            usage.count(self._store, up, down)
        except StoreError as error:
            why = Sentence("The device's mail store cannot be used ({why}).", why=str(error))
            raise RequestError(why) from error
        request.reply()

    def _reschedule(self, request: Request) -> None:
        request.reply()
        self._planned = datetime.now(UTC)
        if self._running is None:
            self._rest()

    def _rehearse(self, request: Request) -> None:
        """Do what a mail run does, with ourselves for a relay: asked before a new version stays."""
        rehearsal.rehearse(self._store)
        request.reply()

    def _count_waiting(self) -> None:
        """Tell how many letters have not left yet: the lamps show it."""
        try:
            waiting = outgoing.count_waiting(self._store)
        except StoreError as error:
            log.warning("the letters that wait cannot be counted: %s", error)
        else:
            self._change(lambda now: replace(now, waiting=waiting))

    def _look_at(self, names: set[str]) -> None:
        """Try to claim when a claim file was imported, or when a modem has become ready."""
        modem = ModemStatus.read() if ModemStatus.NAME in names else None
        ready = modem is not None and modem.state is ModemState.READY
        imports = SetupStatus.NAME in names
        if self._running is None and (imports or ready) and identity.read() is None:
            imported = identity.read_claim()
            if imported is None or claim.is_refused(imported):
                self._rest()
            else:
                self._start()

    def _start(self) -> None:
        if self._running is None:
            self._first = None
            begun = datetime.now(UTC)
            self._change(lambda now: replace(now, last_attempt=begun))
            self._report(CourierState.CONNECTING, None)
            beyond, self._beyond = self._beyond, False
            self._running = threading.Thread(
                target=self._run, args=(beyond,), name="sync", daemon=True
            )
            self._running.start()

    def _run(self, beyond: bool) -> None:
        """Sync, in a thread of its own: requests are answered meanwhile."""
        try:
            record = run(self._store, self._report, beyond=beyond)
        except CourierError as error:
            log.warning("sync failed: %s", error)
            self._error = error
        except Exception:
            log.exception("sync failed")
            self._error = CourierError(Sentence("The sync failed for a reason that is in the log."))
        else:
            log.info("synced: %s", record)
            self._error = None
        finally:
            again = self._again
            os.write(self._done_writer, b".")
        if not again:
            balance.want(self._store)

    def _report(
        self, state: CourierState, progress: float | None, detail: Sentence | None = None
    ) -> None:
        self._heard = time.monotonic()
        tenths = None if progress is None else round(progress, 1)
        self._change(lambda now: replace(now, state=state, detail=detail, progress=tenths))
        self._publish()

    def _ended(self) -> None:
        self._running = None
        self._failures = self._failures + 1 if self._error else 0
        self._remember()
        self._rest()
        if self._again:
            self._again = False
            self._start()

    def _rest(self) -> None:
        """Plan the next sync, and say how things stand."""
        claimed = identity.read() is not None
        imported = identity.read_claim()
        refused = claim.is_refused(imported) if imported else None
        detail = self._refusal or (self._error.sentence if self._error else None)
        if claimed:
            state = self._state()
            if state is CourierState.COPIED and detail is None:
                detail = card.SERVED
        else:
            state = CourierState.UNCLAIMED
            if imported is None:
                detail = identity.NO_CLAIM
            elif refused:
                detail = refused.refusal
        self._plan()
        self._report(state, None, detail)

    def _state(self) -> CourierState:
        """How a claimed device is, by how the last run ended."""
        if self._refusal is not None:
            return CourierState.REFUSED
        if self._error is not None and not isinstance(self._error, BudgetSpentError):
            return CourierState.FAILED
        return CourierState.COPIED if card.other(self._store) else CourierState.IDLE

    def _plan(self) -> None:
        """Find when to try next: soon after a failure, else at the next scheduled time."""
        now = time.monotonic()
        self._plan_again = now + MAX_WAIT.total_seconds()
        if identity.read() is None:
            imported = identity.read_claim()
            waiting = imported is not None and not claim.is_refused(imported)
            delay = schedule.claim_delay(self._failures).total_seconds() if self._failures else 0.0
            self._due = now + delay if waiting else float("inf")
            self._change(lambda now: replace(now, next_sync=None, overdue=None))
            return
        wall = datetime.now(UTC)
        zone = zone_of(setting(self._store, "timezone", ""))
        plan = schedule.plan_of(self._store)
        due = schedule.next_time(plan.times(tariff.load(self._store)), zone, wall)
        scheduled = now + (due - wall).total_seconds() if due else float("inf")
        self._due = scheduled
        if self._error and self._error.worth_retrying:
            asked = self._error.wait if isinstance(self._error, RefusedError) else timedelta()
            retry = now + schedule.retry_delay(self._failures, asked).total_seconds()
            if retry < min(scheduled, self._night_ends):
                self._due = retry
        elif self._first is not None:
            self._due = min(scheduled, self._first)
        if self._due == scheduled:
            self._night_ends = scheduled + schedule.NIGHT.total_seconds()
        at = wall + timedelta(seconds=self._due - now) if self._due != float("inf") else None
        overdue = self._overdue(plan.times(tariff.load(self._store)), zone, wall)
        self._change(lambda now: replace(now, next_sync=at, overdue=overdue))

    def _overdue(self, times: list[str], zone: tzinfo, wall: datetime) -> datetime | None:
        """After when a run should have gone well that has not: the night of the first one due.

        Due is what follows the last good run, and the keeper's last change of the plan.
        """
        last = self._status.last_success
        if last is None:
            return None
        due = schedule.next_time(times, zone, max(last, min(self._planned, wall)))
        return due + schedule.NIGHT if due else None

    def _remember(self) -> None:
        """Take the last sessions from the store, and what is still to go."""
        self._count_waiting()
        self._refusal = None
        try:
            sessions = last_sessions(self._store, 200)
        except StoreError as error:
            log.warning("the sessions cannot be read: %s", error)
            return
        if not sessions:
            return
        last = sessions[0]
        self._refusal = last.error if last.error in _OF_THE_DEVICE else None
        success = next((each for each in sessions if not each.error), None)
        self._change(
            lambda now: replace(
                now,
                last_success=success.ended if success else None,
                link=success.link if success else "",
                no_way=last.error is not None and not last.link,
                last_attempt=last.started,
                sent=last.sent,
                received=last.received,
                bytes_up=last.bytes_up,
                bytes_down=last.bytes_down,
            )
        )

    def _change(self, change: Callable[[CourierStatus], CourierStatus]) -> None:
        with self._lock:
            self._status = change(self._status)

    def _publish(self) -> None:
        with self._lock:
            if self._status != self._published:
                self._status.publish()
                self._published = self._status
