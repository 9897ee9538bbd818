# SPDX-License-Identifier: Apache-2.0
import threading

from mokanda_firmware import paths
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


def test_a_file_that_is_being_written_is_no_news() -> None:
    with Subscription() as subscription:
        folder = paths.status("any").parent
        (folder / ".new").touch()
        (folder / ".new").rename(folder / ".modem.1")
        later = threading.Timer(0.1, ModemStatus(ModemState.ABSENT).publish)
        later.start()
        assert subscription.wait(10) == {"modem"}
        later.join()


def test_a_status_that_is_taken_away_is_news() -> None:
    ModemStatus(ModemState.READY).publish()
    with Subscription() as subscription:
        paths.status("modem").rename(paths.status("modem").with_name(".modem.1"))
        assert subscription.wait(10) == {"modem"}
