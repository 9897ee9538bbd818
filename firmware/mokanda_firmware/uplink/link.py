# SPDX-License-Identifier: Apache-2.0
"""Which way to the relay: one that is there anyway, else the modem."""

import contextlib
import logging
from collections.abc import Callable, Iterator

from mokanda_firmware.bus import status
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import CourierError, LinkError, NotOurRelayError
from mokanda_wire.claimfile import ClaimFile

DIAL_SECONDS = 240.0  # a modem may first have to be woken, or the network to let it in

log = logging.getLogger(__name__)


@contextlib.contextmanager
def connected(
    claim: ClaimFile, tell: Callable[[str, str], None]
) -> Iterator[tuple[Connection, str]]:
    """A connection to the relay, and the name of its link; a modem hangs up in the end.

    `tell` is called with the courier's state and a sentence as they change.

    Raises:
        LinkError: there is no way to the relay.
        NotOurRelayError: somebody else answers.
    """
    with Connection(claim) as connection:
        tell("connecting", "")
        try:
            connection.connect()
        except (LinkError, NotOurRelayError) as error:
            # A café's network may answer in the relay's place: the modem is still worth a try.
            wired: CourierError = error
        else:
            yield connection, "network"
            return
        tell("dialling", "")
        try:
            interface = str(status.request("modem", "connect", timeout=DIAL_SECONDS)["interface"])
        except status.RequestUnavailable as error:
            log.info("no modem service: %s", error)
            raise wired from error
        except status.RequestError as error:
            log.info("no way but the modem: %s", wired)
            raise LinkError(str(error)) from error
        try:
            tell("connecting", "")
            connection.connect(interface)
            yield connection, interface
        finally:
            with contextlib.suppress(status.RequestError):
                status.request("modem", "disconnect", timeout=60)
