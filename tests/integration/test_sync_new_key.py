# SPDX-License-Identifier: Apache-2.0
"""A relay that takes another key: its devices follow, and what was sealed before still arrives."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from mokanda_firmware import paths
from mokanda_firmware.courier import run as courier_run
from mokanda_firmware.courier import without_store
from mokanda_firmware.mailbox.store.database import StoreUnfit
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_firmware.uplink import places, refusals
from mokanda_firmware.uplink.failures import CourierError, CutError, RefusedError
from mokanda_relay.__main__ import main
from mokanda_relay.http.server import running
from mokanda_relay.operator import devices, moving
from mokanda_relay.relay import Relay, open_relay
from mokanda_relay.store.settings import Listen
from mokanda_relay.store.tables import Alert, DownBundle, Move
from mokanda_relay.sync import moves
from mokanda_wire import protocol
from mokanda_wire.envelope import EnvelopeError
from tests import courier_process
from tests.faults import FaultyLink, Plan
from tests.operators_guide import commands_of
from tests.relay_served import ANY_PORT, BOTH_DATABASES, INBOUND_SECRET, Served, eventually
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.syncing_village import Village, a_village

pytest_plugins = ("tests.syncing_fixtures",)


@pytest.fixture
def link(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyLink]:
    monkeypatch.setattr(courier_run, "CUTS", 1)
    with FaultyLink.before(served.device_url) as link:
        yield link


@pytest.fixture
def relay_url(served: Served, link: FaultyLink, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"https://127.0.0.1:{link.port}"
    monkeypatch.setenv("MOKANDA_RELAY_URL", url)
    monkeypatch.setenv("MOKANDA_RELAY_DATABASE", served.relay.settings.database)
    monkeypatch.setenv("MOKANDA_RELAY_DATA", str(served.relay.settings.data))
    return url


def new_key() -> None:
    assert main(["move", "new-key"]) == 0


def retire(*options: str) -> int:
    return main(["move", "retire-key", *options])


def key(village: Village) -> str:
    return places.read(village.claim).here.fingerprint


def newest(served: Served) -> Move:
    with served.relay.database.reading() as session:
        return moving.all_moves(session)[-1]


def follow(village: Village, served: Served) -> None:
    """Two runs: the device hears of the new key, then goes by it."""
    village.sync()
    village.sync()
    assert key(village) == newest(served).fingerprint


def write_to_village(served: Served, text: str) -> None:
    served.world.write("ada@example.org", ["amina@kitenge.example"], text, text)


def exchange(village: Village, served: Served, text: str) -> None:
    """A mail out and one back."""
    village.write(f"{text} out")
    write_to_village(served, f"{text} back")
    village.sync()
    village.sync()
    assert village.texts("inbox")[-1] == f"{text} back"
    eventually(lambda: served.world.sent[-1].text == f"{text} out", "the mail")


def alerts(served: Served, kind: str) -> list[str]:
    with served.relay.database.reading() as session:
        return list(session.scalars(sa.select(Alert.text).where(Alert.kind == kind)))


@BOTH_DATABASES
def test_a_device_follows_and_the_former_key_may_go(village: Village, served: Served) -> None:
    first = key(village)
    new_key()
    exchange(village, served, "before")
    follow(village, served)
    assert key(village) != first
    exchange(village, served, "after")
    assert retire() == 0
    exchange(village, served, "much later")
    with pytest.raises(EnvelopeError):
        served.relay.keyring.open(served.relay.keyring.seal(b"x", first, key(village)), first)


def test_what_is_signed_for_devices_is_kept_of_the_last_move_alone(
    served: Served, village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "_signed", {})
    first = key(village)
    device = served.claimed_device("kimpese")
    for number in (1, 2, 3):
        new_key()
        assert device.hello(move=0).move is not None
        [kept] = moves._signed
        assert kept[:2] == (number, first)
    village.sync()
    assert len(moves._signed) == 1  # both know the relay by the first key


@pytest.mark.usefixtures("village")
def test_the_former_key_stays_until_all_have_followed(
    capsys: pytest.CaptureFixture[str], served: Served
) -> None:
    devices.add(served.relay, "kimpese", "kimpese.example")
    new_key()
    assert retire("--dry-run") == 0
    assert retire() == 1
    told = capsys.readouterr().err
    assert "kitenge would be cut off: not yet" in told
    assert "kimpese would be cut off: not claimed" in told
    assert retire("--force") == 0
    assert retire() == 0
    assert "no former key" in capsys.readouterr().out


def test_a_bundle_that_was_half_uploaded_before_still_arrives(
    village: Village, served: Served, link: FaultyLink, capsys: pytest.CaptureFixture[str]
) -> None:
    village.write("out", files={"file.bin": Random(1).randbytes(20_000)})
    link.plans.append(Plan(cut_after_up=12_000))
    with pytest.raises(CutError):
        village.sync()
    pending = sync_state(village.store).up_pending
    assert pending is not None
    new_key()
    link.plans.append(Plan(cut_after_up=3000))
    with suppress(CourierError):
        village.sync()
    link.plans.append(Plan(cut_after_up=3000))
    with suppress(CourierError):
        village.sync()
    assert key(village) == newest(served).fingerprint
    assert sync_state(village.store).up_pending == pending
    assert retire() == 1
    assert "has a bundle under way" in capsys.readouterr().err
    village.sync()
    eventually(lambda: [mail.text for mail in served.world.sent] == ["out"], "the mail")
    assert alerts(served, protocol.BUNDLE_BAD) == []
    assert retire() == 0


def test_a_bundle_that_was_half_fetched_before_is_read(
    village: Village, served: Served, link: FaultyLink
) -> None:
    mail = "".join(Random(1).choices("abcdefghijklmnop", k=40_000))
    write_to_village(served, mail)
    for announce in (new_key, lambda: None):
        link.plans.append(Plan(cut_after_down=6000))
        with pytest.raises(CutError):
            village.sync()
        announce()
    with served.relay.database.reading() as session:
        frozen = session.scalars(sa.select(DownBundle.sequence)).one()
    village.sync()
    assert key(village) == newest(served).fingerprint
    [text] = village.texts("inbox")
    assert text[:1000] == mail[:1000]
    assert sync_state(village.store).down_applied == frozen


def test_a_device_that_was_away_for_two_new_keys_goes_by_the_last(
    village: Village, served: Served
) -> None:
    new_key()
    new_key()
    follow(village, served)
    assert retire() == 0
    exchange(village, served, "after")


def test_a_new_key_may_follow_one_that_was_only_heard_of(village: Village, served: Served) -> None:
    new_key()
    village.sync()
    new_key()
    village.sync()
    exchange(village, served, "between")
    assert key(village) == newest(served).fingerprint


def test_a_card_restored_from_before_goes_on_and_follows_again(
    village: Village, served: Served
) -> None:
    new_key()
    follow(village, served)
    paths.followed().unlink()
    exchange(village, served, "restored")
    assert key(village) == newest(served).fingerprint


def test_a_card_restored_from_before_the_former_key_was_retired_needs_a_claim(
    village: Village, served: Served
) -> None:
    new_key()
    follow(village, served)
    assert retire() == 0
    paths.followed().unlink()
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            village.sync()
    assert caught.value.sentence == refusals.SENTENCES[protocol.DEVICE_UNKNOWN]
    [told] = alerts(served, "key")
    assert "device renew kitenge" in told
    village.claim = devices.renew(served.relay, "kitenge")
    village.import_claim()
    exchange(village, served, "renewed")


def test_a_claim_file_of_before_is_good_until_the_former_key_is_retired(
    village: Village, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = devices.add(served.relay, "kimpese", "kimpese.example")
    new_key()
    follow(village, served)
    with a_village(claim, village.claim.relay, tmp_path / "other", monkeypatch) as other:
        other.sync()
        other.sync()
        assert key(other) == newest(served).fingerprint


def test_a_claim_file_made_now_names_the_new_key(
    village: Village, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_key()
    claim = devices.add(served.relay, "kimpese", "kimpese.example")
    assert claim.relay_fingerprint == newest(served).fingerprint
    follow(village, served)
    assert retire() == 0
    with a_village(claim, village.claim.relay, tmp_path / "other", monkeypatch) as other:
        other.sync()
        assert key(other) == newest(served).fingerprint


def test_a_relay_set_back_to_before_the_new_key_gives_no_mail_twice(
    village: Village, served: Served
) -> None:
    exchange(village, served, "before")
    new_key()
    village.sync()  # it has heard of the key
    with served.relay.database.transaction() as session:
        session.execute(sa.delete(Move))
    for text in ("one", "two"):
        exchange(village, served, text)
    assert village.texts("inbox") == ["before back", "one back", "two back"]
    assert len(served.world.sent) == 3


def test_who_has_the_former_key_alone_is_not_the_relay_any_more(
    village: Village, served: Served
) -> None:
    new_key()
    follow(village, served)
    with served.relay.database.transaction() as session:
        session.execute(sa.delete(Move))
    served.relay.keyring.delete_secret_key(key(village))
    set_setting(village.store, "courier_secret", "")
    with pytest.raises(CourierError, match="does not prove who it is, so it gets no mail"):
        village.sync()
    [told] = alerts(served, "move")
    assert "was it restored from a backup?" in told


def test_undone_the_former_key_goes_on(village: Village, served: Served) -> None:
    first = key(village)
    new_key()
    assert main(["move", "undo"]) == 0
    village.sync()
    village.sync()
    assert key(village) == first
    assert retire() == 0
    exchange(village, served, "after")


def test_a_device_without_its_mail_store_calls_by_the_new_key(
    village: Village, served: Served
) -> None:
    new_key()
    follow(village, served)
    assert without_store.tell(StoreUnfit("lost", "the mail store is gone"))


@pytest.mark.long
def test_the_power_may_go_at_any_step(village: Village, served: Served) -> None:
    village.store.close()
    new_key()
    for _ in range(2):  # first it notes the key, then it goes by it
        step = 1
        while not courier_process.sync(death=step):
            step += 1
        assert step > 3
        assert courier_process.sync()
    assert key(village) == newest(served).fingerprint
    exchange(village, served, "after")


def test_the_operators_guide_to_another_machine_with_a_new_key(
    relay: Relay, world: SendGridStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two relays, each from a data folder of its own, as the guide has it."""
    make, start = commands_of("Another machine and a new key at once", "move")
    old, new = relay.settings.data, tmp_path / "new-machine"
    claim = devices.add(relay, "kitenge", "kitenge.example")
    monkeypatch.setenv("MOKANDA_RELAY_DATABASE", relay.settings.database)
    monkeypatch.setenv("MOKANDA_RELAY_DATA", str(old))
    with ExitStack() as stack:
        with running(relay, ANY_PORT, ANY_PORT) as (address, _):
            here = f"https://{address}"
            monkeypatch.setenv("MOKANDA_RELAY_URL", here)
            village = stack.enter_context(a_village(claim, here, tmp_path / "device", monkeypatch))
            village.sync()
            assert main(make) == 0
        relay.database.close()
        relay.keyring.close()
        agents_sockets = shutil.ignore_patterns("S.*")  # of one that is just ending
        shutil.copytree(old, new, ignore=agents_sockets)
        for file in tmp_path.glob("relay.db*"):  # what is not in the database yet lies beside it
            shutil.copy(file, new)
        shutil.rmtree(old)
        database = f"sqlite:///{new}/relay.db"
        monkeypatch.setenv("MOKANDA_RELAY_DATABASE", database)
        monkeypatch.setenv("MOKANDA_RELAY_DATA", str(new))
        copied = open_relay(dataclasses.replace(relay.settings, data=new, database=database))
        stack.callback(copied.keyring.close)
        stack.callback(copied.database.close)
        host, _, port = address.rpartition(":")  # as if the old machine passed connections on
        new_operator = stack.enter_context(running(copied, Listen(host, int(port)), ANY_PORT))[1]
        world.parse_url = f"http://{new_operator}/inbound/{INBOUND_SECRET}"
        link = stack.enter_context(FaultyLink((host, int(port))))
        there = f"https://127.0.0.1:{link.port}"
        assert main([there if each.startswith("https:") else each for each in start]) == 0
        village.write("out")
        for _ in range(3):
            village.sync()
        world.write("ada@example.org", ["amina@kitenge.example"], "back", "back")
        village.sync()
        assert places.read(village.claim).here.relay == there
        assert key(village) != claim.relay_fingerprint
        assert village.texts("inbox") == ["back"]
        eventually(lambda: [each.text for each in world.sent] == ["out"], "the mail")
        assert retire() == 0


def test_a_key_that_does_not_get_onto_the_disk_is_not_announced(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOKANDA_RELAY_URL", "https://relay.example")
    monkeypatch.setenv("MOKANDA_RELAY_DATABASE", relay.settings.database)
    monkeypatch.setenv("MOKANDA_RELAY_DATA", str(relay.settings.data))

    def fails(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr("mokanda_wire.durable.os.fsync", fails)
        assert main(["move", "new-key"]) == 1
    assert "cannot be brought to the disk" in capsys.readouterr().err
    with relay.database.reading() as session:
        assert moving.all_moves(session) == []
    assert main(["move", "new-key"]) == 0  # and goes on where it was cut
    with relay.database.reading() as session:
        assert len(moving.all_moves(session)) == 2


def test_the_operators_guide(
    village: Village, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    dry, make = commands_of("A new key for a relay", "move new-key")
    for command in (dry, make):
        assert main(command) == 0
    [look] = commands_of("A new key for a relay", "move list")
    [retiring] = commands_of("A new key for a relay", "move retire-key")
    assert main(look) == 0
    assert "not yet" in capsys.readouterr().out
    assert main(retiring) == 1
    follow(village, served)
    assert main(look) == 0
    assert "has followed" in capsys.readouterr().out
    assert main(retiring) == 0
