# SPDX-License-Identifier: Apache-2.0
"""A device that is known, whose bundles become much more than they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from mokanda_relay.store import clock
from mokanda_relay.store.tables import Alert
from mokanda_relay.sync.up import expansion
from mokanda_wire import protocol
from tests.relay_device import RefusedByRelay, RelayDevice
from tests.relay_served import Served, eventually

pytest_plugins = ("tests.relay_fixtures",)


def send(device: RelayDevice, size: int) -> None:
    device.freeze(device.message("ada@example.org", "x" * size))
    device.sync()


def test_it_has_a_budget_for_a_day_and_its_mail_waits(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "FREE", 500_000)
    monkeypatch.setattr(expansion, "EACH", 0)
    monkeypatch.setattr(expansion, "_days", {})
    device = served.claimed_device()
    send(device, 400_000)
    with pytest.raises(RefusedByRelay) as refused:
        send(device, 400_000)
    assert refused.value.reason == protocol.TRY_LATER
    assert refused.value.refusal.minutes == 180
    with served.relay.database.reading() as session:
        [told] = session.scalars(sa.select(Alert.text).where(Alert.kind == "expansion"))
    assert told.startswith("kitenge sends bundles")
    with monkeypatch.context() as tomorrow:
        tomorrow.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(days=1))
        device.sync()
    eventually(lambda: len(served.world.sent) == 2, "both mails are sent")


def test_what_comes_pays_for_what_it_becomes(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "FREE", 0)
    device = served.claimed_device()
    for _ in range(3):
        send(device, 2000)
    assert device.pending is None
