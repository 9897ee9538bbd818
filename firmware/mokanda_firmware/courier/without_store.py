# SPDX-License-Identifier: Apache-2.0
"""The courier while the mail store does not open: it tells the relay so, once a day.

Without the store it does not know where it stands with its relay, and takes and brings no mail. The
answer names an update, which may be what mends the device.
"""

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mokanda_firmware import paths, running
from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Request, Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.courier import clock
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreUnfit
from mokanda_firmware.uplink import identity, link, offer, places
from mokanda_firmware.uplink.failures import CourierError
from mokanda_wire import protocol
from mokanda_wire.envelope import EnvelopeError, Keyring, KeyringError

FIRST = 90.0  # seconds after a start
DAILY = 24 * 3600.0  # seconds
RETRY = 3600.0  # seconds after a call that has failed
LOOK_AGAIN = 30.0  # seconds after which the store may open again

log = logging.getLogger(__name__)


def serve(error: StoreUnfit) -> None:
    """Serve until the store, which has ended so, opens."""
    log.error("the mail store cannot be opened: %s", error)
    why = Sentence("The device's mail store cannot be used ({why}).", why=str(error))
    due = time.monotonic() + FIRST

    def sync(request: Request) -> None:
        nonlocal due
        due = time.monotonic()
        request.reply(accepted=True)

    requests = Requests("courier")
    try:
        CourierStatus(CourierState.FAILED, detail=why).publish()
        service.ready("courier")
        while not _opens():
            service.notify("WATCHDOG=1")
            left = max(0.0, due - time.monotonic())
            request = requests.receive(min(left, LOOK_AGAIN))
            if request is not None:
                request.carry_out({"sync": sync})
            if time.monotonic() >= due:
                due = time.monotonic() + (DAILY if tell(error) else RETRY)
                CourierStatus(CourierState.FAILED, detail=why).publish()
    finally:
        requests.close()


def _opens() -> bool:
    try:
        Store.of_device().close()
    except StoreError:
        return False
    return True


def tell(error: StoreUnfit) -> bool:
    """Tell the relay what is wrong, and note what update it offers; return whether it worked."""
    who = identity.read()
    if who is None:
        return False
    outcome = who.outcome
    said = protocol.Fault(
        outcome.device,
        datetime.now(UTC),
        running.version(),
        error.state,
        str(error)[:500],
        who.place.number,
    )
    where = places.read(who.claim).proved()
    try:
        with (
            _keyring() as keyring,
            link.connected(where, lambda state: CourierStatus(state).publish()) as (way, _),
        ):
            signed = keyring.sign(protocol.dump(said), outcome.fingerprint)
            answer = way.fault(signed, outcome.device)
            reply = protocol.load(
                protocol.FaultReply, keyring.verify(answer, who.place.fingerprint)
            )
    except (CourierError, EnvelopeError, KeyringError, OSError, protocol.ProtocolError) as failure:
        log.warning("the relay could not be told: %s", failure)
        return False
    log.info("the relay was told")
    clock.correct(reply.time)
    offer.keep(reply.release)
    return True


@contextmanager
def _keyring() -> Iterator[Keyring]:
    """Open a copy of the keys, in memory: GnuPG writes beside them, and the card may be read-only.

    Raises:
        OSError: they cannot be read.
    """
    # The path is kept short: GnuPG's sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="") as home:
        sockets_and_locks = shutil.ignore_patterns("S.*", "*.lock", ".#*")
        shutil.copytree(paths.keys(), home, ignore=sockets_and_locks, dirs_exist_ok=True)
        with Keyring(Path(home)) as keyring:
            yield keyring
