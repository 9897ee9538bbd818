# SPDX-License-Identifier: Apache-2.0
"""Villages and relays are updated one after the other: the newest works with the oldest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from mokanda_firmware.mailbox.sync.history import shared_history
from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_relay.operator import devices
from mokanda_relay.store.tables import Device
from mokanda_relay.sync import history
from mokanda_wire import formats
from tests import frozen
from tests.frozen import FrozenDevice, frozen_relay
from tests.relay_process import RelayProcess
from tests.relay_served import INBOUND_SECRET, Served, eventually
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.syncing_village import Village, a_village

pytest_plugins = ("tests.relay_fixtures",)


def write_to_village(world: SendGridStandIn, text: str) -> None:
    world.write("ada@example.org", ["amina@kitenge.example"], "Mbote", text)


def sent(world: SendGridStandIn) -> list[str]:
    return sorted(mail.text for mail in world.sent)


def relay_tip(served: Served) -> tuple[int, str]:
    with served.relay.database.reading() as session:
        tip = history.load(session, session.scalars(sa.select(Device.id)).one()).tip
    return tip.end, tip.digest.hex()


def test_the_newest_relay_serves_a_device_of_the_first_format_and_then_updated(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = devices.add(served.relay, "kitenge", "kitenge.example")
    claim = claim._replace(relay=served.device_url)
    device = FrozenDevice(claim, tmp_path / "device")
    world = served.world
    for night in ("first", "second"):
        device.write(f"{night} out")
        assert device.sync() == ""
        eventually(lambda night=night: f"{night} out" in sent(world), "the mail")  # type: ignore[misc]
        write_to_village(world, f"{night} in")
        assert device.sync() == ""
    assert device.sync() == ""  # acknowledges
    assert sent(world) == ["first out", "second out"]
    assert sorted(device.texts("inbox")) == ["first in", "second in"]
    assert device.texts("outbox") == []
    assert device.tip() == relay_tip(served)

    write_to_village(world, "before the update")
    with served.relay.database.reading() as session:
        assert session.scalars(sa.select(Device.format)).one() == 1
    for variable in ("DATA", "RUN", "SETUP"):
        monkeypatch.setenv(f"MOKANDA_{variable}", str(tmp_path / "device" / variable.lower()))
    updated = Village(claim)
    with updated.store.reading() as connection:
        rows = connection.execute("SELECT name, id FROM account")
        updated.accounts = {row["name"]: row["id"] for row in rows}
    updated.write("third out")
    assert updated.sync().error is None
    eventually(lambda: "third out" in sent(world), "the mail")
    write_to_village(world, "third in")
    assert updated.sync().error is None
    assert sent(world) == ["first out", "second out", "third out"]
    assert sorted(updated.texts("inbox")) == [
        "before the update",
        "first in",
        "second in",
        "third in",
    ]
    assert sync_state(updated.store).relay_format == formats.FORMAT
    updated.sync()
    tip = shared_history(updated.store).tip
    assert (tip.end, tip.digest.hex()) == relay_tip(served)
    updated.store.close()


def test_the_newest_device_works_with_a_relay_of_the_first_format_and_then_updated(
    world: SendGridStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    settings = {
        "MOKANDA_RELAY_URL": "https://127.0.0.1:1",
        "MOKANDA_INBOUND_SECRET": INBOUND_SECRET,
        "SENDGRID_API_KEY": "SG.test",
        "SENDGRID_HOST": world.url,
        "SENDGRID_EVENT_KEY": world.public_key,
    }
    claim = frozen.new_claim(data, settings, "kitenge")
    with a_village(claim, "https://127.0.0.1:1", tmp_path / "device", monkeypatch) as village:
        with frozen_relay(data, settings) as (device_url, operator_url):
            village.import_claim(claim._replace(relay=device_url))
            world.parse_url = f"{operator_url}/inbound/{INBOUND_SECRET}"
            for night in ("first", "second"):
                village.write(f"{night} out", files={"note.txt": b"Mbote na yo " * 20})
                assert village.sync().error is None
                write_to_village(world, f"{night} in")
                assert village.sync().error is None
            eventually(lambda: len(world.sent) == 2, "the mails at SendGrid")
            assert sorted(village.texts("inbox")) == ["first in", "second in"]
            assert sync_state(village.store).relay_format == 1
        with closing(sqlite3.connect(data / "relay.db")) as database:
            assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (
                "0007",
            )
        with RelayProcess(data, settings) as process:
            process.start()
            village.import_claim(claim._replace(relay=process.device_url))
            world.parse_url = f"{process.operator_url}/inbound/{INBOUND_SECRET}"
            village.write("third out")
            assert village.sync().error is None
            write_to_village(world, "third in")
            assert village.sync().error is None
            eventually(lambda: len(world.sent) == 3, "the mail at SendGrid")
        assert sent(world) == ["first out", "second out", "third out"]
        assert sorted(village.texts("inbox")) == ["first in", "second in", "third in"]
        assert village.texts("outbox") == []
        assert sync_state(village.store).relay_format == formats.FORMAT
