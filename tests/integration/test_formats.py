# SPDX-License-Identifier: Apache-2.0
"""The next format of bundles: whichever end learns it first, or forgets it, mail goes on.

The next format is one of the tests' own, registered in the codec of this process. An end that does
not know it runs in a process of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.courier import run
from mokanda_firmware.mailbox.sync import unknown_items
from mokanda_firmware.mailbox.sync.history import shared_history
from mokanda_firmware.mailbox.sync.state import set_relay_format, sync_state
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import CutError, OutdatedError
from mokanda_relay.operator import devices
from mokanda_relay.relay import open_relay
from mokanda_relay.store.settings import read_settings
from mokanda_relay.store.tables import Alert, Device, DownBundle, Resident, UnknownItem
from mokanda_relay.sync import history
from mokanda_wire import bundle as wire
from mokanda_wire import codec, formats, reader
from mokanda_wire.codec import TextCodec
from mokanda_wire.items import Item
from mokanda_wire.reader import Reader
from tests import courier_process
from tests.ready_made.relay import write_relay
from tests.relay_process import RelayProcess
from tests.relay_served import INBOUND_SECRET, Served, eventually
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.syncing_village import Village, a_village

pytest_plugins = ("tests.syncing_fixtures",)

NEXT = formats.FORMAT + 1
TEXT_MIRRORED = 200  # how the next format keeps text


class Mirrored:
    """Text as PPMd leaves it, each bit turned: no other codec reads it."""

    def __init__(self) -> None:
        self._ppmd = codec.TEXT_CODECS[codec.TEXT_PPMD]
        self.written = self.read = 0

    def compress(self, pieces: Sequence[bytes], primer: bytes) -> tuple[bytes, list[int]]:
        data, sizes = self._ppmd.compress(pieces, primer)
        self.written += 1
        return _turned(data), sizes

    def decompress(self, data: bytes, size: int, primer: bytes) -> bytes:
        self.read += 1
        return self._ppmd.decompress(_turned(data), size, primer)


def _turned(data: bytes) -> bytes:
    return bytes(each ^ 0xFF for each in data)


@pytest.fixture
def mirrored(monkeypatch: pytest.MonkeyPatch) -> Mirrored:
    """The codec of the next format, which this process now knows."""
    mirrored = Mirrored()
    text_codec = TextCodec(mirrored.compress, mirrored.decompress)
    monkeypatch.setitem(codec.TEXT_CODECS, TEXT_MIRRORED, text_codec)
    monkeypatch.setitem(codec.TEXT_OF_FORMAT, NEXT, TEXT_MIRRORED)
    monkeypatch.setattr(formats, "FORMAT", NEXT)
    return mirrored


@pytest.fixture
def village(new_village: Village) -> Village:
    return new_village


def exchange(village: Village, served: Served, name: str, *, older_device: bool = False) -> None:
    """A letter goes each way."""
    village.write(f"{name} out, once and no more, please")
    write_to_village(served, f"{name} in, once and no more, please")
    for _ in range(2):  # what became of the letter out comes with the second
        courier_process.sync() if older_device else village.sync()
        eventually(lambda: named(served.world, name), "the letter at SendGrid")


def write_to_village(served: Served, text: str) -> None:
    served.world.write("ada@example.org", ["amina@kitenge.example"], "Mbote", text)
    served.wait_until_prepared()


def named(world: SendGridStandIn, name: str) -> list[str]:
    return [mail.text for mail in world.sent if mail.text.startswith(name)]


def assert_each_once(village: Village, world: SendGridStandIn, *names: str) -> None:
    sent = [mail.text.split()[0] for mail in world.sent]
    came = [text.split()[0] for text in village.texts("inbox")]
    assert (sorted(sent), sorted(came)) == (sorted(names), sorted(names))
    assert village.texts("outbox") == []


def device_row(served: Served) -> Device:
    with served.relay.database.reading() as session:
        return session.scalars(sa.select(Device)).one()


def histories_agree(village: Village, served: Served) -> bool:
    village.sync()
    with served.relay.database.reading() as session:
        tip = history.load(session, device_row(served).id).tip
    return tip == shared_history(village.store).tip and tip.end > 0


def test_two_ends_that_know_the_next_format_write_it(
    village: Village, served: Served, mirrored: Mirrored
) -> None:
    exchange(village, served, "first")
    exchange(village, served, "second")
    assert_each_once(village, served.world, "first", "second")
    assert mirrored.read > 0
    assert device_row(served).format == sync_state(village.store).relay_format == NEXT
    assert histories_agree(village, served)


def test_a_device_that_does_not_know_it_is_written_to_in_the_older_one(
    village: Village, served: Served, mirrored: Mirrored
) -> None:
    exchange(village, served, "first", older_device=True)
    exchange(village, served, "second", older_device=True)
    assert_each_once(village, served.world, "first", "second")
    assert mirrored.written == mirrored.read == 0
    assert histories_agree(village, served)


def test_a_device_that_is_updated_reads_what_was_frozen_before_and_then_writes_it(
    village: Village, served: Served, mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier_process.sync()
    with monkeypatch.context() as cut:
        cut.setattr(formats, "FORMAT", NEXT - 1)
        lose_down(village, served, "frozen", cut)
    exchange(village, served, "next")
    assert sorted(text.split()[0] for text in village.texts("inbox")) == ["frozen", "next"]
    assert mirrored.read > 0
    assert histories_agree(village, served)


def lose_down(village: Village, served: Served, text: str, patch: pytest.MonkeyPatch) -> None:
    """Have a bundle frozen for the village, and cut the connection before it comes."""

    def lose(*_: object) -> None:
        raise CutError(Sentence("it is lost"))

    write_to_village(served, text)
    patch.setattr(run, "CUTS", 1)
    patch.setattr(Connection, "fetch", lose)
    with pytest.raises(CutError):
        village.sync()


@pytest.mark.usefixtures("mirrored")
def test_a_device_whose_update_failed_gets_what_was_frozen_in_the_newer_one_anew(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.sync()
    with monkeypatch.context() as cut:
        lose_down(village, served, "frozen once and no more, please", cut)
    with served.relay.database.reading() as session:
        assert session.scalars(sa.select(DownBundle.format)).all() == [NEXT]
    courier_process.sync()  # by the software before the update
    assert [text.split()[0] for text in village.texts("inbox")] == ["frozen"]
    assert device_row(served).format == NEXT - 1
    exchange(village, served, "later", older_device=True)
    village.sync()  # updated again
    assert sorted(text.split()[0] for text in village.texts("inbox")) == ["frozen", "later"]
    assert histories_agree(village, served)


@pytest.fixture
def older_relay(tmp_path: Path, world: SendGridStandIn) -> Iterator[tuple[RelayProcess, Any]]:
    """A relay in a process of its own, which knows no format of the tests', and a claim."""
    environment = {
        "MOKANDA_RELAY_URL": "https://127.0.0.1:1",
        "MOKANDA_INBOUND_SECRET": INBOUND_SECRET,
        "SENDGRID_API_KEY": "SG.test",
        "SENDGRID_HOST": world.url,
        "SENDGRID_EVENT_KEY": world.public_key,
    }
    data = tmp_path / "data"
    write_relay(data)
    relay = open_relay(read_settings(environment, data))
    claim = devices.add(relay, "kitenge", "kitenge.example")
    relay.database.close()
    relay.keyring.close()
    with RelayProcess(data, environment) as process:
        world.parse_url = f"{process.operator_url}/inbound/{INBOUND_SECRET}"
        process.start()
        yield process, claim._replace(relay=process.device_url)


@pytest.fixture
def newer_village(
    older_relay: tuple[RelayProcess, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Village]:
    """A village of this process, of the relay that is in another one."""
    process, claim = older_relay
    with a_village(claim, process.device_url, tmp_path / "device", monkeypatch) as village:
        yield village


def test_a_relay_that_does_not_know_it_is_written_to_in_the_older_one(
    newer_village: Village, world: SendGridStandIn, mirrored: Mirrored
) -> None:
    village = newer_village
    for name in ("first", "second"):
        village.write(f"{name} out, once and no more, please")
        village.sync()
        world.write("ada@example.org", ["amina@kitenge.example"], "Mbote", f"{name} in")
        village.sync()
    eventually(lambda: len(world.sent) == 2, "the letters at SendGrid")
    assert_each_once(village, world, "first", "second")
    assert mirrored.written == mirrored.read == 0


def test_what_is_frozen_for_a_relay_that_forgot_the_newer_one_is_frozen_anew(
    newer_village: Village, world: SendGridStandIn, mirrored: Mirrored
) -> None:
    village = newer_village
    village.sync()
    set_relay_format(village.store, NEXT)  # as it was, before its backup was restored
    village.write("frozen once and no more, please")
    record = village.sync()
    assert record.error is None
    assert mirrored.written > 0
    eventually(lambda: world.sent, "the letter at SendGrid")
    village.sync()
    assert [mail.text for mail in world.sent] == ["frozen once and no more, please"]
    assert sync_state(village.store).relay_format == NEXT - 1


@pytest.mark.usefixtures("mirrored")
def test_a_device_with_which_no_format_is_common_is_told_what_to_do(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "OLDEST_FORMAT", NEXT)
    courier_process.sync()
    assert "too old for its relay" in str(village.sessions()[0].error)


@pytest.mark.usefixtures("mirrored")
def test_a_relay_with_which_no_format_is_common_is_told_of_with_what_to_do(
    newer_village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "OLDEST_FORMAT", NEXT)
    with pytest.raises(OutdatedError, match="Ask its operator to update it"):
        newer_village.sync()


NEW = wire.Unknown("Nnina pita\0", formats.FORMAT)


def read_names(each: Reader) -> Item:
    """Read the new item as a version does that knows it."""
    return wire.Residents(tuple(each._until("\0").split()))


def test_what_a_newer_device_says_is_kept_by_its_relay_until_that_is_updated(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = served.claimed_device()
    device.format = formats.FORMAT
    device.freeze(NEW, device.message("ada@example.org", "Mbote"))
    device.sync()
    eventually(lambda: served.world.sent, "the mail beside it at SendGrid")
    with served.relay.database.reading() as session:
        assert session.scalars(sa.select(UnknownItem.text)).all() == [NEW.text.encode()]
        [told] = session.scalars(sa.select(Alert.text).where(Alert.kind == "unknown"))
    assert told == (
        "kitenge sends what this relay does not know (N): it is kept until the relay is updated"
    )
    monkeypatch.setitem(reader._ITEMS, "N", read_names)
    device.hello()
    with served.relay.database.reading() as session:
        assert set(session.scalars(sa.select(Resident.name).where(Resident.gone.is_(None)))) == {
            "nina",
            "pita",
        }
        assert session.scalars(sa.select(UnknownItem)).all() == []


def test_what_a_newer_relay_says_is_kept_by_its_device_until_that_is_updated(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.sync()
    encode = wire.encode

    def newer(bundle: wire.Bundle, *arguments: Any, **named: Any) -> wire.Encoded:  # noqa: ANN401
        extended = dataclasses.replace(bundle, items=(NEW, *bundle.items))
        made = encode(extended, *arguments, **named)
        return made._replace(costs=made.costs[1:])

    with monkeypatch.context() as update:
        update.setattr("mokanda_relay.sync.down.packed.wire.encode", newer)
        write_to_village(served, "beside it")
        village.sync()
    assert village.texts("inbox") == ["beside it"]
    assert unknown_items.kinds(village.store) == "N"
    with village.store.transaction() as connection:
        connection.execute("UPDATE setting SET value = 0 WHERE key = 'courier_reported'")
    village.sync()
    with served.relay.database.reading() as session:
        [told] = session.scalars(sa.select(Alert.text).where(Alert.kind == "unknown"))
    assert told == "kitenge does not know what this relay sends it (N): update it"
    assert histories_agree(village, served)
    monkeypatch.setitem(reader._ITEMS, "N", read_names)
    village.sync()
    assert unknown_items.kinds(village.store) == ""
