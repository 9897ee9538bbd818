# SPDX-License-Identifier: Apache-2.0
"""The courier and the relay, both real, over TLS on loopback: mail goes out, mail comes in."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import ssl
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from mokanda_firmware import paths
from mokanda_firmware.courier import clock
from mokanda_firmware.courier.run import alone
from mokanda_firmware.uplink import offer
from mokanda_firmware.uplink.failures import (
    BusyError,
    ClaimError,
    LinkError,
    NotOurRelayError,
)
from mokanda_relay.store.certificate import ensure_certificate
from mokanda_relay.store.tables import Resident
from tests.relay_served import Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


@pytest.fixture
def village(new_village: Village) -> Village:
    return new_village


def test_the_first_sync_claims_the_device(village: Village) -> None:
    village.sync()
    outcome = json.loads(paths.claim_result().read_text())
    assert (outcome["state"], outcome["device"], outcome["domain"]) == (
        "claimed",
        "kitenge",
        "kitenge.example",
    )


def test_mail_goes_out_and_a_reply_comes_back(village: Village, served: Served) -> None:
    village.write("Mbote Ada")
    record = village.sync()
    assert (record.sent, record.received, record.error, record.link) == (1, 0, None, "network")
    assert village.texts("sent") == ["Mbote Ada"]
    eventually(lambda: served.world.sent, "the mail at SendGrid")
    [sent] = served.world.sent
    assert (sent.recipients, sent.text) == (["ada@example.org"], "Mbote Ada")

    message_id = sent.body["headers"]["Message-ID"]
    served.world.write(
        "ada@example.org", ["amina@kitenge.example"], "Re:", "Mbote!", in_reply_to=message_id
    )
    assert village.sync().received == 1
    assert village.texts("inbox") == ["Mbote!"]


def test_attachments_arrive_whole(village: Village, served: Served) -> None:
    photo, table = os.urandom(200_000), b"a;b\n" * 5000
    village.write("Two files", files={"photo.jpg": photo, "table.csv": table})
    village.sync()
    eventually(lambda: served.world.sent, "the mail at SendGrid")
    attached = served.world.sent[0].body["attachments"]
    assert [base64.b64decode(each["content"]) for each in attached] == [photo, table]


def test_a_sync_with_nothing_to_trade_is_short(village: Village) -> None:
    village.sync()
    record = village.sync()
    assert (record.sent, record.received) == (0, 0)
    assert record.bytes_up + record.bytes_down < 1500


def test_every_session_is_written_down(village: Village) -> None:
    village.write("Mbote")
    village.sync()
    village.claim = village.claim._replace(relay="https://127.0.0.1:1")
    village.import_claim()
    with pytest.raises(LinkError):
        village.sync()
    failed, well = village.sessions()
    assert (well.sent, well.error) == (1, None)
    assert well.bytes_up > 0
    assert "cannot be reached" in str(failed.error)


def test_mail_for_a_new_villager_is_there_with_the_run_that_tells_of_them(
    village: Village, served: Served
) -> None:
    village.sync()
    served.world.write("ada@example.org", ["cyr@kitenge.example"], "Hello", "Early")
    village.add_villager("cyr")
    village.sync()
    assert village.texts("inbox", "cyr") == ["Early"]
    served.world.write("ada@example.org", ["cyr@kitenge.example"], "Hello", "Later")
    village.sync()
    assert village.texts("inbox", "cyr") == ["Early", "Later"]


def test_a_villager_who_was_deleted_is_given_up_and_one_who_was_lost_is_not(
    village: Village, served: Served
) -> None:
    village.add_villager("cyr")
    village.add_villager("dina")
    village.sync()
    with village.store.transaction() as connection:
        connection.execute("DELETE FROM account WHERE name = 'cyr'")
    village.sync()
    assert residents(served) == {"amina": True, "bako": True, "dina": True}
    with village.store.transaction() as connection:  # as if it were another store
        connection.execute("DELETE FROM account WHERE name <> 'amina'")
        connection.execute("DELETE FROM setting")
    village.sync()
    assert residents(served) == {"amina": True, "bako": False, "dina": False}


def residents(served: Served) -> dict[str, bool]:
    """Whom the relay knows, and whether the device names them still."""
    with served.relay.database.reading() as session:
        return {row.name: row.gone is None for row in session.scalars(sa.select(Resident))}


def test_a_claim_code_used_twice_is_refused_with_what_to_do(
    village: Village, served: Served
) -> None:
    other = served.new_device("other")
    other.claim()
    village.import_claim(other.claim_file._replace(relay=served.device_url))
    with pytest.raises(ClaimError, match="Ask the relay's operator for a new claim file"):
        village.sync()
    assert json.loads(paths.claim_result().read_text())["state"] == "refused"
    before = other.hello().applied_up
    with pytest.raises(ClaimError):  # without asking the relay again
        village.sync()
    assert other.hello().applied_up == before


def test_without_a_claim_file_the_reason_says_what_to_do(village: Village) -> None:
    paths.claim().unlink()
    with pytest.raises(ClaimError, match="Copy a claim file"):
        village.sync()


def test_an_unreachable_relay_is_named_and_the_mail_stays(village: Village) -> None:
    village.import_claim(village.claim._replace(relay="https://127.0.0.1:1"))
    village.write("Patience")
    with pytest.raises(LinkError, match=r"127\.0\.0\.1 cannot be reached"):
        village.sync()
    assert village.texts("outbox") == ["Patience"]


def test_another_relay_at_the_same_address_gets_nothing(village: Village, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    ensure_certificate(other, tmp_path / "other.key")
    village.import_claim(village.claim._replace(certificate=other.read_text()))
    with pytest.raises(NotOurRelayError, match="not this device's relay"):
        village.sync()


def test_a_relay_with_another_key_is_not_believed(village: Village) -> None:
    village.import_claim(village.claim._replace(relay_fingerprint="0" * 40))
    with pytest.raises(NotOurRelayError, match="not the one that the claim file names"):
        village.sync()
    assert not paths.claim_result().exists()


def test_the_relays_time_sets_a_clock_that_is_wrong(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[float] = []
    monkeypatch.setattr(time, "clock_settime", lambda _, seconds: set_to.append(seconds))
    village.sync()
    assert set_to == []
    monkeypatch.setattr(clock, "datetime", _Wrong)
    village.sync()
    assert abs(set_to[-1] - datetime.now(UTC).timestamp()) < 60


class _Wrong(datetime):
    """A clock that still lives in 1970."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(1970, 1, 1, tzinfo=tz)


def test_two_syncs_at_once_are_one(village: Village) -> None:
    with alone(), pytest.raises(BusyError):
        village.sync()


def test_an_update_that_the_relay_offers_is_noted(village: Village) -> None:
    village.sync()
    assert offer.read() is None
    assert paths.offer().exists()


def test_a_mail_too_large_for_one_bundle_goes_alone(village: Village, served: Served) -> None:
    village.write("large", files={"film.bin": os.urandom(700_000)})
    village.write("small")
    assert village.sync().sent == 2
    eventually(lambda: len(served.world.sent) == 2, "both mails at SendGrid")
    assert [mail.text for mail in served.world.sent] == ["small", "large"]


def test_all_bundles_that_wait_come_in_one_session(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mokanda_relay.sync.down.plan.MAX_RAW", 1)  # bytes: each mail has its own
    village.sync()
    for number in range(3):
        served.world.write("ada@example.org", ["amina@kitenge.example"], "Mbote", str(number))
    assert village.sync().received == 3
    assert sorted(village.texts("inbox")) == ["0", "1", "2"]


def test_progress_is_told(village: Village) -> None:
    village.write("with a file", files={"photo.jpg": os.urandom(300_000)})
    village.sync()
    states = [state for state, _ in village.told]
    parts = [part for _, part in village.told if part is not None]
    assert states[:2] == ["connecting", "syncing"]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_devices_that_hang_on_do_not_shut_others_out(village: Village, served: Served) -> None:
    url = urlsplit(served.device_url)
    context = ssl._create_unverified_context()
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            idle = http.client.HTTPSConnection(url.hostname or "", url.port, context=context)
            stack.callback(idle.close)
            idle.request("GET", "/nothing")
            idle.getresponse().read()
        village.write("still")
        assert village.sync().sent == 1
