# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the relay's tests: a relay on SQLite or PostgreSQL, served on real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from mokanda_relay.http.server import running
from mokanda_relay.operator import claims, devices
from mokanda_relay.relay import Relay, open_relay
from mokanda_relay.rendering.readings import MailReader
from mokanda_relay.store.database import Database
from mokanda_relay.store.settings import read_settings
from mokanda_relay.transport import outbox
from tests import postgresql as postgresql_server
from tests.ready_made.relay import write_relay, write_relay_database
from tests.relay_served import ANY_PORT, INBOUND_SECRET, Served
from tests.stand_ins.sendgrid import SendGridStandIn


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A throw-away PostgreSQL cluster; yields a URL without a database's name."""
    pytest.importorskip("psycopg")
    programs = postgresql_server.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgresql_server.cluster(programs) as url:
        yield url


@pytest.fixture(scope="session")
def migrated(postgresql: str) -> str:
    """The name of a database in the cluster, with the schema of this relay's and no rows."""
    url = postgresql_server.new_database(postgresql)
    Database(url).close()
    return str(sa.make_url(url).database)


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a schema: SQLite, unless the test asks for another kind."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path}/relay.db"
    return postgresql_server.new_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the schema of this relay's: SQLite, unless the test asks for another kind."""
    if getattr(request, "param", "sqlite") == "sqlite":
        write_relay_database(tmp_path / "relay.db")
        return f"sqlite:///{tmp_path}/relay.db"
    cluster, migrated = map(request.getfixturevalue, ("postgresql", "migrated"))
    return postgresql_server.new_database(cluster, template=migrated)


@pytest.fixture
def world() -> Iterator[SendGridStandIn]:
    """SendGrid, and everyone behind it."""
    with SendGridStandIn() as service:
        yield service


@pytest.fixture
def relay(
    tmp_path: Path, database_url: str, world: SendGridStandIn, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Relay]:
    """A relay that is not served yet; it signs and sends through `world`."""
    monkeypatch.setattr(claims, "_COST_LOG2", 4)  # what a code costs has its own test
    # The same mail of the same second has the same id, and the last test's may still rest.
    monkeypatch.setattr(outbox, "_under_way", {})
    settings = read_settings(
        {
            "MOKANDA_RELAY_URL": "https://127.0.0.1:1",
            "MOKANDA_RELAY_DATABASE": database_url,
            "MOKANDA_RELAY_DOMAIN": "villages.example",
            "MOKANDA_INBOUND_SECRET": INBOUND_SECRET,
            "SENDGRID_API_KEY": "SG.test",
            "SENDGRID_HOST": world.url,
            "SENDGRID_EVENT_KEY": world.public_key,
        },
        tmp_path / "data",
    )
    write_relay(settings.data)
    opened = open_relay(settings)
    yield opened
    opened.database.close()
    opened.keyring.close()


@pytest.fixture
def kitenge(relay: Relay) -> None:
    """A device for kitenge.example, which the relay knows."""
    devices.add(relay, "kitenge", "kitenge.example")


@pytest.fixture
def reader(relay: Relay) -> Iterator[MailReader]:
    """What reads the mails of the relay."""
    made = MailReader(relay)
    yield made
    made.close()


@pytest.fixture
def served(relay: Relay, world: SendGridStandIn, tmp_path: Path) -> Iterator[Served]:
    """The relay, served; `world` knows its webhooks."""
    with running(relay, ANY_PORT, ANY_PORT) as (device_address, operator_address):
        operator_url = f"http://{operator_address}"
        world.parse_url = f"{operator_url}/inbound/{INBOUND_SECRET}"
        world.events_url = f"{operator_url}/events"
        fixture = Served(relay, f"https://{device_address}", operator_url, world, tmp_path)
        yield fixture
        for device in fixture.devices:
            device.close()
