# SPDX-License-Identifier: Apache-2.0
"""One sync from end to end: find a way, claim if need be, trade, write down how it went."""

import contextlib
import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.courier import claim, news, up
from mokanda_firmware.courier.quota import Quota
from mokanda_firmware.courier.session import Session, is_down_pending
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreFull
from mokanda_firmware.mailbox.sync.sessions import SessionRecord, record_session
from mokanda_firmware.mailbox.sync.up import forget_numbers
from mokanda_firmware.uplink import identity, link, places
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import (
    BusyError,
    ClaimError,
    CourierError,
    CutError,
    FullError,
    RefusedError,
    is_full,
)
from mokanda_firmware.uplink.identity import Identity
from mokanda_wire import protocol
from mokanda_wire.claimfile import ClaimFile
from mokanda_wire.envelope import EnvelopeError, Keyring, KeyringError

CUTS = 4  # cuts in a row between which nothing moved
PAUSE = 1.0  # seconds after the second of them; then twice as long each time

# Called with the courier's state, and the fraction of a bundle that has gone.
Report = Callable[[CourierState, float | None], None]
_NO_KEYS = Sentence(
    "The device cannot use its keys. Switch it off and on once. If that does not help, restore a"
    " backup, or ask the relay's operator for a new claim file."
)
log = logging.getLogger(__name__)


def run(store: Store, report: Report, *, beyond: bool = False) -> SessionRecord:
    """Sync once, if need be `beyond` the day's budget.

    The record says how it went, and is in the store if a session was held.

    Raises:
        BudgetSpentError: there is nothing left to spend today.
        CourierError: it did not work; what to tell people.
    """
    with alone():
        claim_file = identity.read_claim()
        if claim_file is None:
            raise ClaimError(identity.NO_CLAIM)
        refused = claim.is_refused(claim_file)
        if refused:
            raise ClaimError(refused.refusal)
        quota = Quota(store, beyond=beyond)
        quota.check()
        trip = _Trip(store, report, claim_file, quota)
        try:
            trip.make()
        except StoreFull as error:
            full = FullError()
            trip.error = full.sentence
            raise full from error
        except StoreError as error:
            trip.error = Sentence("The device's mail store cannot be used ({why}).", why=str(error))
            raise CourierError(trip.error) from error
        except (EnvelopeError, KeyringError) as error:
            log.error("the keys cannot be used: %s", error)
            trip.error = _NO_KEYS
            raise CourierError(_NO_KEYS) from error
        except OSError as error:
            if not is_full(error):
                raise
            full = FullError()
            trip.error = full.sentence
            raise full from error
        except CourierError as error:
            trip.error = error.sentence
            raise
        finally:
            with contextlib.suppress(StoreError):
                quota.count(run=True, failed=bool(trip.error))
            record = trip.record()
            with contextlib.suppress(StoreError):
                record_session(store, record, down_pending=is_down_pending(store))
        return record


class _Trip:
    """A run in progress."""

    def __init__(self, store: Store, report: Report, claim_file: ClaimFile, quota: Quota) -> None:
        self._store = store
        self._report = report
        self._claim = claim_file
        self._quota = quota
        self._began = time.monotonic()
        self._link = ""
        self._session: Session | None = None
        self._traffic: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.error: Sentence | None = None

    def make(self) -> None:
        with (
            Keyring(paths.keys()) as keyring,
            link.connected(
                places.read(self._claim).all(),
                lambda state: self._report(state, None),
                lambda: self._prepare(keyring),
            ) as way,
        ):
            connection, self._link = way
            self._traffic = connection.traffic
            self._quota.follow(connection.traffic)
            self._report(CourierState.SYNCING, None)
            who = identity.read()
            if who is None:
                forget_numbers(self._store)
                who = claim.redeem(self._claim, keyring, connection)
                news.forget(self._store)
            self._trade(who._replace(place=connection.place), keyring, connection)

    def _prepare(self, keyring: Keyring) -> None:
        """Seal what is to go, which may take a slow board longer than a relay waits.

        What goes to a place that is new is sealed by its key, which the session takes in.
        """
        who = identity.read()
        if who is not None and places.read(self._claim).next is None:
            up.freeze(self._store, keyring, who, self._quota, whole=False)

    def _trade(self, who: Identity, keyring: Keyring, connection: Connection) -> None:
        """Hold a session at the first place where the relay proves that it is there."""
        while True:
            self._session = Session(
                self._store,
                keyring,
                who,
                self._quota,
                lambda part: self._report(CourierState.SYNCING, part),
            )
            try:
                self._hold(self._session, connection)
            except CourierError as error:
                later = isinstance(error, RefusedError) and error.reason == protocol.TRY_LATER
                if self._session.is_proved or later or not connection.has_more:
                    raise
                log.warning("no session at %s: %s", connection.place.relay, error)
                connection.go_on()
                who = who._replace(place=connection.place)
            else:
                return

    def _hold(self, session: Session, connection: Connection) -> None:
        """Hold the session over as many connections as it takes, as long as it gets on."""
        cuts = 0
        while True:
            before = session.traded.moved
            try:
                session.hold(connection)
            except CutError as error:
                if self._quota.is_spent:
                    return  # calling again would take more than there is
                cuts = 1 if session.traded.moved > before else cuts + 1
                if cuts == CUTS:
                    raise
                log.info("cut: %s", error)
                time.sleep(PAUSE * (2 ** (cuts - 1) - 1))
                session.freeze()
                connection.reconnect()
            else:
                return

    def record(self) -> SessionRecord:
        """How it went; times by a clock that the relay may just have set."""
        ended = datetime.now(UTC)
        traded = self._session.traded if self._session else None
        up, down = self._traffic()
        return SessionRecord(
            started=ended - timedelta(seconds=time.monotonic() - self._began),
            ended=ended,
            link=self._link,
            bytes_up=up,
            bytes_down=down,
            sent=traded.sent if traded else 0,
            received=traded.received if traded else 0,
            error=self.error,
            money=self._quota.money,
            currency=self._quota.currency,
        )


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep other syncs of this device out, in this process and in others.

    Raises:
        BusyError: there is one.
    """
    path = paths.data() / "courier.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(Sentence("A sync is running already.")) from error
        yield
