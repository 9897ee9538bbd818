# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the relay's tests: a relay on SQLite or PostgreSQL, served on real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_relay.http.server import running
from mokanda_relay.relay import Relay, open_relay
from mokanda_relay.store.settings import read_settings
from tests import postgresql as postgresql_server
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


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: SQLite, unless the test asks for another kind."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path}/relay.db"
    return postgresql_server.new_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def world() -> Iterator[SendGridStandIn]:
    """SendGrid, and everyone behind it."""
    with SendGridStandIn() as service:
        yield service


@pytest.fixture
def relay(tmp_path: Path, database_url: str, world: SendGridStandIn) -> Iterator[Relay]:
    """A relay that is not served yet; it signs and sends through `world`."""
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
    opened = open_relay(settings)
    yield opened
    opened.database.close()
    opened.keyring.close()


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
