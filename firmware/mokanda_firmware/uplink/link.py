# SPDX-License-Identifier: Apache-2.0
"""Which way to the relay: one that is there anyway, else the modem."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence

from mokanda_firmware.bus.requests import RequestError, UnavailableError, ask, held
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.uplink import interface, portal
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import CourierError, LinkError, NotOurRelayError
from mokanda_firmware.uplink.places import Place

DIAL_SECONDS = 240.0  # a modem may first have to be woken, or the network to let it in

log = logging.getLogger(__name__)


@contextlib.contextmanager
def connected(
    places: Sequence[Place],
    report: Callable[[CourierState], None],
    prepare: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Connection, str]]:
    """A connection to the relay, and the name of its link; a modem hangs up in the end.

    It is to the first of `places` that answers as the relay does. `report` is called with the
    courier's state as it changes, `prepare` once there is a way and before the relay is called,
    which hangs up on who says nothing for 15 seconds; it may be called twice.

    Raises:
        LinkError: there is no way to the relay.
        NotOurRelayError: somebody else answers.
    """
    with Connection(places) as connection, contextlib.ExitStack() as held_by_us:
        report(CourierState.CONNECTING)
        if interface.has_default_route():
            prepare()
        try:
            connection.connect()
        except (LinkError, NotOurRelayError) as error:
            # A café's network may answer in the relay's place: the modem is still worth a try.
            wired: CourierError = error
        else:
            yield connection, "network"
            return
        report(CourierState.DIALLING)
        try:
            # If this process is killed, the modem's daemon hangs up what it holds.
            asking = held("modem", "connect", timeout=DIAL_SECONDS, held=True)
            by = str(held_by_us.enter_context(asking)["interface"])
        except UnavailableError as error:
            log.info("no modem service: %s", error)
            raise wired from error
        except RequestError as error:
            log.info("no way but the modem: %s", wired)
            raise LinkError(error.sentence) from error
        met = ""
        try:
            report(CourierState.CONNECTING)
            prepare()
            try:
                connection.connect(by)
            except (LinkError, NotOurRelayError) as error:
                strange = isinstance(error, NotOurRelayError)
                if strange or portal.answers_for(connection.host, by):
                    met = "stranger"
                raise
            met = "relay"
            yield connection, by
        finally:
            connection.close()  # what ends it is counted, too
            connection.traffic()
            with contextlib.suppress(RequestError):
                ask("modem", "disconnect", timeout=60, met=met)
