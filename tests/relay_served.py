# SPDX-License-Identifier: Apache-2.0
"""A relay on real sockets, and how its tests get at it."""

from __future__ import annotations

import base64
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from mokanda_relay.operator import devices
from mokanda_relay.relay import Relay
from mokanda_relay.store.settings import Listen
from mokanda_relay.store.tables import Incoming, Original
from scripts.tools.deadlines import wait_until
from tests.relay_device import RelayDevice
from tests.stand_ins.sendgrid import SendGridStandIn

BOTH = ["sqlite", "postgresql"]
BOTH_DATABASES = pytest.mark.parametrize("database_url", BOTH, indirect=True)
BOTH_EMPTY_DATABASES = pytest.mark.parametrize("empty_database_url", BOTH, indirect=True)
INBOUND_SECRET = "inbound-secret"
ANY_PORT = Listen("127.0.0.1", 0)


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the relay's workers have made `condition` true."""
    wait_until(condition, what, seconds=20, every=0.02)


def basic_login(password: str) -> str:
    """The header Authorization of whoever knows this password."""
    return f"Basic {base64.b64encode(f'anyone:{password}'.encode()).decode()}"


@dataclass
class Served:
    """A relay on real sockets, and the devices that a test has made."""

    relay: Relay
    device_url: str
    operator_url: str
    world: SendGridStandIn
    folder: Path
    devices: list[RelayDevice] = field(default_factory=list)

    def new_device(self, name: str = "kitenge") -> RelayDevice:
        """A device with a claim that it has not used yet; its mail domain is NAME.example."""
        claim = devices.add(self.relay, name, f"{name}.example")
        here = claim._replace(relay=self.device_url)
        device = RelayDevice(here, self.folder / f"device-{len(self.devices)}")
        self.devices.append(device)
        return device

    def claimed_device(self, name: str = "kitenge", *residents: str) -> RelayDevice:
        """A device that has claimed itself and told who lives there."""
        device = self.new_device(name)
        device.claim()
        device.freeze(residents=residents or ("amina", "bako"))
        device.sync()
        return device

    def wait_until_prepared(self) -> None:
        """Wait until all mail that waits was read, and its photos made smaller."""

        def prepared() -> bool:
            with self.relay.database.reading() as session:
                left = (
                    sa.select(Incoming.id)
                    .join(Original, Incoming.digest == Original.digest)
                    .where(
                        sa.or_(Incoming.prepared.is_(False), Original.reading_version == 0),
                        Incoming.sequence.is_(None),
                    )
                )
                return session.scalar(left.limit(1)) is None

        eventually(prepared, "all mail is prepared")

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Get a page of the admin app, as the operator does."""
        return self._ask(path, None, headers)

    def post(self, path: str, fields: dict[str, str]) -> tuple[int, str]:
        """Send a form of the admin app's; what comes is that of the page it leads to."""
        return self._ask(path, urllib.parse.urlencode(fields).encode(), {})

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str]:
        login = basic_login(self.relay.operator_password)
        headers = {"Authorization": login, **headers}
        request = urllib.request.Request(f"{self.operator_url}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
