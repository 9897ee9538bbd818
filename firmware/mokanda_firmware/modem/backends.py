# SPDX-License-Identifier: Apache-2.0
"""Which back-end talks to a stick."""

from mokanda_firmware.modem.at.modem import AtModem, StartCall
from mokanda_firmware.modem.backend import Backend
from mokanda_firmware.modem.clock import Turns
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.network_card import NetworkCard
from mokanda_firmware.modem.stick import Stick


def backend_of(stick: Stick, clock: Turns, start_call: StartCall, credit: Credit) -> Backend:
    """Choose by what the stick shows: a serial port tells more than a network card."""
    if stick.ports:
        return AtModem(stick, clock, start_call, credit)
    return NetworkCard(stick, clock, credit)
