# SPDX-License-Identifier: Apache-2.0
"""When a device tells how it is: with its mail, and seldom by itself, as that is paid for."""

from __future__ import annotations

import time
from datetime import timedelta

import sqlalchemy as sa

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import UpdatesState
from mokanda_firmware.bus.statuses import UpdatesStatus
from mokanda_firmware.courier import news
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_relay.operator import fleet
from mokanda_relay.store.tables import Device
from tests.relay_served import Served
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


def last_uptime(served: Served) -> int:
    """By which reports are told apart."""
    with served.relay.database.reading() as session:
        return int(session.scalars(sa.select(Device)).one().last_report()["uptime"])


def is_told(village: Village, served: Served, age: timedelta) -> bool:
    """Whether a sync tells the relay anew how the device is; the last report is so old."""
    set_setting(village.store, news._REPORTED, int(time.time() - age.total_seconds()))
    with served.relay.database.transaction() as session:
        session.scalars(sa.select(Device)).one().report = '{"uptime": -1}'
    village.sync()
    return last_uptime(served) != -1


def test_a_night_without_mail_is_not_made_longer_by_a_report(
    village: Village, served: Served
) -> None:
    assert not is_told(village, served, timedelta(days=6))


def test_the_report_goes_with_the_first_mail_of_a_day(village: Village, served: Served) -> None:
    village.write("Mbote")
    assert is_told(village, served, timedelta(hours=21))
    village.write("Mbote")
    assert not is_told(village, served, timedelta(hours=19))


def test_after_a_week_it_goes_alone(village: Village, served: Served) -> None:
    assert is_told(village, served, timedelta(days=7, minutes=1))


def test_what_the_operator_should_know_is_told_at_once(village: Village, served: Served) -> None:
    set_setting(village.store, "budget", {"village": None, "villager": 100_000})
    assert is_told(village, served, timedelta(hours=1))
    assert not is_told(village, served, timedelta(hours=1))


def test_an_update_that_did_not_prove_itself_is_told_at_once(
    village: Village, served: Served
) -> None:
    why = Sentence("It does not find the modem.")
    UpdatesStatus(UpdatesState.FAILED, detail=why, failed="1.1.0").publish()
    assert is_told(village, served, timedelta(hours=1))
    with served.relay.database.reading() as session:
        told = [each.text for each in fleet.alerts(session, 10) if each.kind == "update"]
    assert len(told) == 1
    assert told[0].endswith("has failed: It does not find the modem.")
    with served.relay.database.reading() as session:
        device = session.scalars(sa.select(Device)).one()
    assert device.last_report()["failed_version"] == "1.1.0"


def test_what_has_rotted_on_the_card_is_told_once(village: Village, served: Served) -> None:
    UpdatesStatus(UpdatesState.IDLE, rot="blocks mended in slot A: 3").publish()
    assert is_told(village, served, timedelta(hours=1))
    UpdatesStatus(UpdatesState.AVAILABLE, rot="blocks mended in slot A: 3").publish()
    village.sync()
    with served.relay.database.reading() as session:
        [told] = [each.text for each in fleet.alerts(session, 10) if each.kind == "rot"]
    assert told.endswith("has rotted (blocks mended in slot A: 3)")


def test_what_the_card_is_to_blame_for_is_not_held_against_the_version(
    village: Village, served: Served
) -> None:
    full = Sentence("The card is full, or cannot be written to.")
    UpdatesStatus(UpdatesState.FAILED, detail=full, failed="1.1.0", put_off=True).publish()
    assert is_told(village, served, timedelta(hours=1))
    with served.relay.database.reading() as session:
        assert "failed_version" not in session.scalars(sa.select(Device)).one().last_report()
