# SPDX-License-Identifier: Apache-2.0
import threading

from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.states import CourierState, ModemState, SetupState
from mokanda_firmware.bus.statuses import CourierStatus, ModemStatus, SetupStatus


def test_a_subscriber_learns_which_statuses_changed() -> None:
    SetupStatus(SetupState.NO_CLAIM).publish()
    with Subscription() as subscription:
        ModemStatus(ModemState.READY).publish()
        CourierStatus(CourierState.IDLE).publish()
        changed: set[str] = set()
        while changed != {"modem", "courier"}:
            news = subscription.wait(10)
            assert news
            changed |= news
        assert subscription.wait(0) == set()


def test_a_subscriber_is_woken_from_another_thread() -> None:
    with Subscription() as subscription:
        publisher = threading.Thread(target=ModemStatus(ModemState.ABSENT).publish)
        publisher.start()
        assert subscription.wait(None) == {"modem"}
        publisher.join()
