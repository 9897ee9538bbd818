# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.updates import link
from mokanda_firmware.uplink.failures import LinkError


def test_without_a_claim_there_is_no_way() -> None:
    with pytest.raises(LinkError, match="no relay yet"), link.to_relay():
        pass


def test_the_courier_goes_first() -> None:
    CourierStatus(CourierState.SYNCING).publish()
    waiting = threading.Thread(target=link._let_courier_finish)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    CourierStatus(CourierState.SYNCING, progress=0.5).publish()
    CourierStatus(CourierState.IDLE).publish()
    waiting.join(10)
    assert not waiting.is_alive()
