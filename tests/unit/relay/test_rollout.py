# SPDX-License-Identifier: Apache-2.0
"""Which devices a release is offered to, from its first day until all have it or it is stopped."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection

import pytest
import sqlalchemy as sa

from mokanda_relay.operator import rollouts
from mokanda_relay.operator.devices import DeviceError
from mokanda_relay.operator.housekeeping import Housekeeper
from mokanda_relay.relay import Relay
from mokanda_relay.store import releases
from mokanda_relay.store.clock import now
from mokanda_relay.store.tables import Alert, Device, Rollout
from mokanda_relay.sync import rollout
from mokanda_relay.sync.rollout import CANDIDATE, STABLE

pytest_plugins = ("tests.relay_fixtures",)

BOARD = "orangepi-zero"
VILLAGES = [f"village{number}" for number in range(40)]
DAY = dt.timedelta(days=1)


@pytest.fixture
def fleet(relay: Relay) -> Relay:
    """A relay of forty villages that run version 0.1.0."""
    with relay.database.transaction() as session:
        session.add_all(_device(name) for name in VILLAGES)
    return relay


def _device(name: str, board: str = BOARD) -> Device:
    return Device(
        name=name,
        domain=f"{name}.example",
        added=now(),
        version="0.1.0",
        report=json.dumps({"board": board}),
        last_contact=now(),
    )


def publish(relay: Relay, version: str = "0.2.0", board: str = BOARD, **how: object) -> str:
    """Publish a release, and return its name."""
    file = relay.settings.data / "update.raucb"
    file.write_bytes(version.encode())
    return rollouts.publish(relay, file, version, board, **how).name  # type: ignore[arg-type]


def offered(relay: Relay, name: str) -> str | None:
    """The version that a device is offered."""
    with relay.database.reading() as session:
        device = session.scalars(sa.select(Device).where(Device.name == name)).one()
        release = rollout.offer(relay, session, device)
    return release and release.version


def reached(relay: Relay, version: str = "0.2.0") -> set[str]:
    """The villages that are offered a version."""
    return {name for name in VILLAGES if offered(relay, name) == version}


def pass_time(relay: Relay, moment: dt.datetime) -> None:
    """Let it be this late for housekeeping."""
    with relay.database.transaction() as session:
        rollout.grow(session, releases.entries(relay.releases), moment)


def run(relay: Relay, names: Collection[str], version: str = "0.2.0") -> None:
    """Have these devices say hello with the version."""
    with relay.database.transaction() as session:
        for device in session.scalars(sa.select(Device).where(Device.name.in_(names))):
            device.version = version
            rollout.record_running(session, device)


def fall_back(relay: Relay, names: Collection[str], version: str = "0.2.0") -> None:
    """Have these devices tell that they have gone back from the version."""
    with relay.database.transaction() as session:
        for device in session.scalars(sa.select(Device).where(Device.name.in_(names))):
            device.version = "0.1.0"
            rollout.record_failed(session, device, version, BOARD, "It does not find the modem.")


class TestShare:
    def test_it_comes_to_a_tenth_at_first(self, fleet: Relay) -> None:
        publish(fleet)
        assert 1 <= len(reached(fleet)) <= 10

    def test_it_comes_to_half_after_two_days_and_to_all_after_four(self, fleet: Relay) -> None:
        publish(fleet)
        first = reached(fleet)
        run(fleet, [min(first)])
        begun = now()
        pass_time(fleet, begun + DAY)
        assert reached(fleet) == first - {min(first)}
        pass_time(fleet, begun + 2 * DAY)
        half = reached(fleet)
        assert first - {min(first)} < half
        assert 10 <= len(half) <= 30
        pass_time(fleet, begun + 4 * DAY)
        assert reached(fleet) == set(VILLAGES) - {min(first)}

    def test_as_long_as_nobody_has_tried_it_a_share_takes_twice_as_long(self, fleet: Relay) -> None:
        publish(fleet)
        first, begun = reached(fleet), now()
        pass_time(fleet, begun + 3 * DAY)
        assert reached(fleet) == first
        pass_time(fleet, begun + 4 * DAY)
        assert len(reached(fleet)) > len(first)

    def test_a_clock_that_jumps_lets_no_share_out(self, fleet: Relay) -> None:
        publish(fleet)
        years_ahead = now() + 4000 * DAY
        pass_time(fleet, years_ahead)
        assert len(reached(fleet)) < len(VILLAGES)
        pass_time(fleet, now())  # and goes back
        pass_time(fleet, now() + 4 * DAY)
        assert reached(fleet) == set(VILLAGES)

    def test_another_version_comes_to_others_first(self, fleet: Relay) -> None:
        publish(fleet)
        first = reached(fleet)
        publish(fleet, "0.3.0")
        assert reached(fleet, "0.3.0") != first

    def test_those_that_are_not_reached_yet_are_offered_the_one_before(self, fleet: Relay) -> None:
        publish(fleet, share=100)
        publish(fleet, "0.3.0")
        assert reached(fleet) | reached(fleet, "0.3.0") == set(VILLAGES)

    def test_the_only_village_is_in_every_share(self, relay: Relay) -> None:
        with relay.database.transaction() as session:
            session.add(_device("kitenge"))
        for number in range(5):
            publish(relay, f"0.2.{number}")
            assert offered(relay, "kitenge") == f"0.2.{number}"

    def test_another_board_or_none_is_offered_nothing(self, fleet: Relay) -> None:
        with fleet.database.transaction() as session:
            session.add_all([_device("other", "orangepi-pc"), _device("new", "")])
        publish(fleet, share=100)
        assert offered(fleet, "other") is offered(fleet, "new") is None

    def test_of_one_that_the_database_does_not_know_nothing_is_presumed(self, fleet: Relay) -> None:
        publish(fleet, channel=CANDIDATE)
        with fleet.database.transaction() as session:
            session.execute(sa.delete(Rollout))
        assert reached(fleet) == set()
        pass_time(fleet, now())
        assert 1 <= len(reached(fleet)) <= 10

    def test_what_was_published_stands_as_it_did_when_it_is_added_again(self, fleet: Relay) -> None:
        name = publish(fleet)
        rollouts.withdraw(fleet, name)
        publish(fleet)
        assert reached(fleet) == set()


def test_a_damaged_manifest_keeps_no_village_from_its_mail(fleet: Relay) -> None:
    publish(fleet, share=100)
    (fleet.releases / releases.MANIFEST).write_text('{"releases": [')
    assert reached(fleet) == set()
    Housekeeper(fleet).tidy()
    with fleet.database.reading() as session:
        [alert] = session.scalars(sa.select(Alert))
    assert "manifest.json cannot be read" in alert.text
    with pytest.raises(releases.ReleaseError, match="restore it from a copy"):
        publish(fleet, "0.3.0")


class TestChannels:
    def test_candidate_devices_get_it_at_once_and_stable_ones_not_at_all(
        self, fleet: Relay
    ) -> None:
        rollouts.choose(fleet, "village7", CANDIDATE, None)
        publish(fleet, channel=CANDIDATE)
        assert reached(fleet) == {"village7"}

    def test_candidate_devices_wait_for_no_share_of_the_stable_ones(self, fleet: Relay) -> None:
        publish(fleet)
        last = max(set(VILLAGES) - reached(fleet))
        rollouts.choose(fleet, last, CANDIDATE, None)
        assert offered(fleet, last) == "0.2.0"

    def test_a_candidate_that_becomes_stable_begins_with_the_first_share(
        self, fleet: Relay
    ) -> None:
        name = publish(fleet, channel=CANDIDATE)
        rollouts.widen(fleet, name, STABLE, None)
        assert 1 <= len(reached(fleet)) <= 10

    def test_a_pinned_device_is_offered_that_version_alone(self, fleet: Relay) -> None:
        publish(fleet, share=100)
        rollouts.choose(fleet, "village1", None, "0.2.0")
        rollouts.choose(fleet, "village2", None, "0.1.0")
        publish(fleet, "0.3.0", share=100)
        assert offered(fleet, "village1") == "0.2.0"
        assert offered(fleet, "village2") is None
        rollouts.choose(fleet, "village2", None, rollouts.NONE)
        assert offered(fleet, "village2") == "0.3.0"

    def test_what_is_no_version_and_no_device_is_refused(self, fleet: Relay) -> None:
        with pytest.raises(releases.ReleaseError):
            rollouts.choose(fleet, "village1", None, "../x")
        with pytest.raises(DeviceError):
            rollouts.choose(fleet, "nowhere", CANDIDATE, None)


class TestStop:
    def test_three_that_go_back_hold_it_and_the_operator_is_told_why(self, fleet: Relay) -> None:
        publish(fleet, share=100)
        run(fleet, VILLAGES[:10])
        fall_back(fleet, VILLAGES[10:12])
        assert offered(fleet, VILLAGES[30]) == "0.2.0"
        fall_back(fleet, VILLAGES[12:13])
        assert reached(fleet) == set()
        with fleet.database.reading() as session:
            [alert] = session.scalars(sa.select(Alert))
        assert alert.kind == "release"
        assert "3 of 13 devices" in alert.text
        assert "village12: It does not find the modem)" in alert.text

    def test_a_few_of_many_do_not(self, fleet: Relay) -> None:
        publish(fleet, share=100)
        run(fleet, VILLAGES[:30])
        fall_back(fleet, VILLAGES[30:33])
        assert offered(fleet, VILLAGES[35]) == "0.2.0"

    def test_one_that_tells_the_same_again_counts_once(self, fleet: Relay) -> None:
        publish(fleet, share=100)
        for _ in range(3):
            fall_back(fleet, VILLAGES[:2])
        assert offered(fleet, VILLAGES[35]) == "0.2.0"

    def test_one_that_runs_it_after_all_has_not_gone_back(self, fleet: Relay) -> None:
        publish(fleet, share=100)
        fall_back(fleet, VILLAGES[:2])
        run(fleet, VILLAGES[:2])
        with fleet.database.transaction() as session:  # told before, and late to come
            device = session.scalars(sa.select(Device).where(Device.name == VILLAGES[0])).one()
            rollout.record_failed(session, device, "0.2.0", BOARD, "It does not start.")
        fall_back(fleet, VILLAGES[2:4])
        assert offered(fleet, VILLAGES[35]) == "0.2.0"

    def test_a_version_that_this_relay_has_not_released_is_nothing_to_it(
        self, fleet: Relay
    ) -> None:
        fall_back(fleet, VILLAGES[:5], "9.9.9")
        run(fleet, VILLAGES[:5], "9.9.9")
        with fleet.database.reading() as session:
            assert list(session.scalars(sa.select(Alert))) == []

    def test_held_it_comes_to_no_more_with_time(self, fleet: Relay) -> None:
        publish(fleet)
        fall_back(fleet, VILLAGES[:3])
        pass_time(fleet, now() + 30 * DAY)
        assert reached(fleet) == set()

    def test_those_that_run_it_are_offered_no_older_one(self, fleet: Relay) -> None:
        publish(fleet, "0.1.5", share=100)
        name = publish(fleet, share=100)
        run(fleet, VILLAGES[:1])
        rollouts.hold(fleet, name)
        assert offered(fleet, VILLAGES[0]) is None
        assert offered(fleet, VILLAGES[1]) == "0.1.5"

    def test_it_goes_on_where_it_was_until_as_many_more_go_back(self, fleet: Relay) -> None:
        name = publish(fleet, share=100)
        fall_back(fleet, VILLAGES[:3])
        rollouts.go_on(fleet, name)
        fall_back(fleet, VILLAGES[3:5])
        assert offered(fleet, VILLAGES[35]) == "0.2.0"
        fall_back(fleet, VILLAGES[5:6])
        assert offered(fleet, VILLAGES[35]) is None

    def test_withdrawn_it_is_offered_to_nobody_not_even_where_it_is_pinned(
        self, fleet: Relay
    ) -> None:
        name = publish(fleet, share=100)
        rollouts.choose(fleet, "village1", None, "0.2.0")
        rollouts.hold(fleet, name)
        assert reached(fleet) == {"village1"}
        rollouts.withdraw(fleet, name)
        assert reached(fleet) == set()

    def test_a_release_that_is_not_there_is_named(self, fleet: Relay) -> None:
        with pytest.raises(releases.ReleaseError, match=r"none\.raucb"):
            rollouts.hold(fleet, "none.raucb")
