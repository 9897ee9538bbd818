# SPDX-License-Identifier: Apache-2.0
"""Which back-end talks to a stick."""

from pathlib import Path

from mokanda_firmware.modem import at_modem
from mokanda_firmware.modem.backend import Backend
from mokanda_firmware.modem.network_card import NetworkCard
from mokanda_firmware.modem.sticks import Stick


def backend_of(stick: Stick, hook: Path) -> Backend | None:
    """Choose by what the stick shows; None as long as none of its serial ports answers.

    `hook` is the program that pppd runs when a call's link is up.
    """
    return at_modem.find(stick, hook) if stick.ports else NetworkCard(stick)
