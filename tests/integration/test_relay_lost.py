# SPDX-License-Identifier: Apache-2.0
"""A relay that is lost without a copy: villages go over to another one by a new claim file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.courier import up
from mokanda_firmware.courier.quota import Quota
from mokanda_firmware.uplink import identity
from mokanda_firmware.uplink.failures import CourierError
from mokanda_relay.http.server import running
from mokanda_relay.operator import devices
from mokanda_relay.relay import open_relay
from mokanda_relay.store.settings import read_settings
from mokanda_wire.envelope import Keyring
from tests.relay_served import ANY_PORT, INBOUND_SECRET, Served, eventually
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


@pytest.fixture
def another(served: Served, tmp_path: Path) -> Iterator[Served]:
    """A new relay with keys of its own, to which SendGrid now posts."""
    environment = {
        "MOKANDA_RELAY_URL": "https://127.0.0.1:1",
        "MOKANDA_INBOUND_SECRET": INBOUND_SECRET,
        "SENDGRID_API_KEY": "SG.test",
        "SENDGRID_HOST": served.world.url,
        "SENDGRID_EVENT_KEY": served.world.public_key,
    }
    relay = open_relay(read_settings(environment, tmp_path / "another"), begin=True)
    with running(relay, ANY_PORT, ANY_PORT) as (device_address, operator_address):
        url = f"http://{operator_address}"
        yield Served(relay, f"https://{device_address}", url, served.world, tmp_path)
    relay.database.close()
    relay.keyring.close()


def write_to_village(world: SendGridStandIn, text: str) -> None:
    world.write("ada@example.org", ["amina@kitenge.example"], text, text)


def sent(served: Served) -> list[str]:
    return sorted(mail.text for mail in served.world.sent)


def freeze(village: Village) -> None:
    """Seal what waits, as a session does that is cut at once."""
    who = identity.read()
    assert who is not None
    with Keyring(paths.keys()) as keyring:
        quota = Quota(village.store, beyond=False)
        assert up.freeze(village.store, keyring, who, quota, whole=True) is not None


def go_over(village: Village, another: Served) -> None:
    """Give the village to another relay, as the operator's guide says."""
    claim = devices.add(another.relay, "kitenge", "kitenge.example")
    another.world.parse_url = f"{another.operator_url}/inbound/{INBOUND_SECRET}"
    another.world.events_url = f"{another.operator_url}/events"
    village.import_claim(claim._replace(relay=another.device_url))


def test_what_waits_on_the_device_goes_and_what_is_written_to_it_comes(
    village: Village, served: Served, another: Served
) -> None:
    village.write("old out")
    write_to_village(served.world, "old back")
    village.sync()
    village.sync()
    eventually(lambda: sent(served) == ["old out"], "the mail at SendGrid")
    village.write("sealed for the lost relay")
    freeze(village)
    village.write("waits")
    go_over(village, another)
    write_to_village(another.world, "new back")
    village.sync()
    village.sync()
    eventually(lambda: len(served.world.sent) == 3, "the mails at SendGrid")
    assert sent(served) == ["old out", "sealed for the lost relay", "waits"]
    assert sorted(village.texts("inbox")) == ["new back", "old back"]
    village.sync()
    assert village.texts("outbox") == []


def test_until_then_nothing_that_waits_is_lost(village: Village, another: Served) -> None:
    village.write("waits")
    village.claim = village.claim._replace(relay=another.device_url)
    village.import_claim()  # the old relay's name leads to the new one; its key is another one
    for _ in range(2):
        with pytest.raises(CourierError):
            village.sync()
    assert village.texts("outbox") == ["waits"]
    go_over(village, another)
    village.sync()
    eventually(lambda: [mail.text for mail in another.world.sent] == ["waits"], "the mail")
