# SPDX-License-Identifier: Apache-2.0
"""Whatever breaks between courier and relay, no mail is lost and none comes twice."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import cbor2
import pytest
import sqlalchemy as sa

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.courier import run, session
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.history import shared_history
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import CourierError, CutError, LinkError
from mokanda_relay.operator import devices
from mokanda_relay.store.tables import Alert, Device, DownBundle
from mokanda_relay.sync import history
from mokanda_wire import bundle as wire
from mokanda_wire.compose import compose
from tests import courier_process
from tests.faults import FaultyLink, Plan
from tests.relay_served import Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


@pytest.fixture
def link(served: Served) -> Iterator[FaultyLink]:
    with FaultyLink.before(served.device_url) as link:
        yield link


@pytest.fixture
def relay_url(link: FaultyLink, monkeypatch: pytest.MonkeyPatch) -> str:
    """Behind the faulty link, over which a device does not wait between its tries."""
    monkeypatch.setattr(run, "PAUSE", 0)
    return f"https://127.0.0.1:{link.port}"


def sync_in_the_end(village: Village, tries: int = 10) -> None:
    for _ in range(tries):
        try:
            village.sync()
        except CourierError:
            continue
        return
    pytest.fail(f"no sync in {tries} tries")


def write_to_village(served: Served, text: str) -> None:
    served.world.write("ada@example.org", ["amina@kitenge.example"], "Mbote", text)


def assert_arrived(village: Village, served: Served, out: list[str], back: list[str]) -> None:
    """Each of these mails is where it belongs, once."""
    eventually(lambda: len(served.world.sent) >= len(out), "the mails at SendGrid")
    village.sync()  # and what became of them is known
    assert sorted(mail.text for mail in served.world.sent) == sorted(out)
    assert sorted(village.texts("inbox")) == sorted(back)
    assert sorted(village.texts("sent")) == sorted(out)
    assert village.texts("outbox") == []


def histories_agree(village: Village, served: Served) -> bool:
    """Whether both have the same log, and it has not begun anew.

    The relay learns of the last bundle at the next hello, and news may have come late.
    """
    for _ in range(4):
        here = shared_history(village.store).tip
        with served.relay.database.reading() as session:
            device = session.scalars(sa.select(Device)).one()
            if history.load(session, device.id).tip == here:
                return True
        village.sync()
        if shared_history(village.store).tip.end < here.end:
            return False
    return False


def test_keys_that_are_gone_are_told_in_plain_words_and_gnupgs_go_to_the_log(
    village: Village, caplog: pytest.LogCaptureFixture
) -> None:
    village.write("waits")
    for key in (paths.keys() / "private-keys-v1.d").iterdir():
        key.unlink()
    with pytest.raises(CourierError) as caught:
        village.sync()
    assert str(caught.value).startswith("The device cannot use its keys. Switch it off and on once")
    assert "GnuPG" not in str(caught.value)
    assert "GnuPG failed" in caplog.text


def test_a_long_bundle_arrives_through_cuts_every_few_kilobytes(
    village: Village, served: Served, link: FaultyLink
) -> None:
    village.write("a photo", files={"p.jpg": os.urandom(60_000)})
    link.default = Plan(cut_after_up=12_000)
    before = link.carried[0]
    village.sync()
    sent = link.carried[0] - before
    link.default = Plan()
    assert_arrived(village, served, ["a photo"], [])
    assert link.connections > 5
    assert sent < 1.1 * 61_000 + 3000 * link.connections


def test_a_download_goes_on_where_it_was_cut(
    village: Village, served: Served, link: FaultyLink
) -> None:
    write_to_village(served, "".join(random.Random(1).choices("abcdefghij \n", k=60_000)))
    link.default = Plan(cut_after_down=9_000)
    before = link.carried[1]
    village.sync()
    link.default = Plan()
    assert len(village.texts("inbox")) == 1
    assert link.connections > 3
    assert link.carried[1] - before < 1.1 * 40_000 + 3000 * link.connections


@pytest.mark.parametrize("seed", range(6))
def test_random_cuts_lose_and_double_nothing(
    village: Village, served: Served, link: FaultyLink, seed: int
) -> None:
    fate = random.Random(seed)
    out, back = [], []
    for number in range(4):
        out.append(f"out {number}")
        village.write(out[-1], files={"f.bin": fate.randbytes(fate.randrange(3000))})
        back.append(f"back {number}")
        write_to_village(served, back[-1])
        for _ in range(6):
            link.plans.append(
                Plan(cut_after_up=fate.randrange(6000))
                if fate.random() < 0.5
                else Plan(cut_after_down=fate.randrange(6000), abrupt=fate.random() < 0.5)
            )
        sync_in_the_end(village)
    link.plans.clear()
    assert_arrived(village, served, out, back)
    assert histories_agree(village, served)


def test_a_sync_with_nothing_to_trade_takes_four_round_trips_at_most(
    village: Village, link: FaultyLink
) -> None:
    village.sync()
    link.rest()
    before, carried = link.round_trips, sum(link.carried)
    village.sync()
    link.rest()
    assert link.round_trips - before <= 4
    assert sum(link.carried) - carried < 1500


def test_a_lost_receipt_does_not_send_a_mail_twice(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.write("once")
    with monkeypatch.context() as patch:
        patch.setattr(run, "CUTS", 1)
        patch.setattr("mokanda_firmware.uplink.connection.Connection.upload", _losing_the_receipt)
        with pytest.raises(CutError):
            village.sync()
    assert village.texts("outbox") == ["once"]  # as far as the device knows
    village.sync()
    assert_arrived(village, served, ["once"], [])


_upload = Connection.upload


def _losing_the_receipt(*arguments: Any) -> None:  # noqa: ANN401
    _upload(*arguments)
    raise CutError(Sentence("the receipt is lost"))


def lose(*_: object) -> None:
    raise CutError(Sentence("it is lost"))


def test_a_lost_acknowledgement_does_not_deliver_a_mail_twice(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_to_village(served, "once")
    write_to_village(served, "then")
    with monkeypatch.context() as patch:
        patch.setattr("mokanda_relay.sync.down.plan.MAX_RAW", 1)  # bytes: two bundles
        patch.setattr("mokanda_firmware.uplink.connection.Connection.acknowledge", lose)
        patch.setattr(run, "CUTS", 1)
        with pytest.raises(CutError):
            village.sync()
    write_to_village(served, "another")
    village.sync()
    assert_arrived(village, served, [], ["once", "then", "another"])
    assert histories_agree(village, served)


def test_an_unreachable_relay_is_tried_again(
    village: Village, served: Served, link: FaultyLink
) -> None:
    village.write("patience")
    link.plans.append(Plan(refuse=True))
    with pytest.raises(LinkError):
        village.sync()
    village.sync()
    assert_arrived(village, served, ["patience"], [])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def test_a_bit_flipped_in_a_bundle_going_up_is_noticed_and_the_mail_sent_anew(
    village: Village, served: Served, link: FaultyLink
) -> None:
    village.write("whole", files={"p.jpg": os.urandom(20_000)})
    link.plans.append(Plan(cut_after_up=9000))
    link.plans.append(Plan(refuse=True))
    with pytest.raises(CourierError):
        village.sync()
    [frozen] = paths.bundles().glob("up-*")
    flip_a_bit(frozen)
    village.sync()
    assert_arrived(village, served, ["whole"], [])


def _refusing(monkeypatch: pytest.MonkeyPatch, poison: str) -> None:
    """Let the relay refuse every bundle that has this text in it."""
    decode = wire.decode

    def refusing(*arguments: Any, **named: Any) -> wire.Decoded:  # noqa: ANN401
        decoded = decode(*arguments, **named)
        for item in decoded.bundle.items:
            if isinstance(item, wire.Mail) and item.message.text == poison:
                raise wire.BundleError("Item 3 is damaged.")
        return decoded

    monkeypatch.setattr(wire, "decode", refusing)


def test_a_mail_that_the_relay_refuses_is_set_aside_with_the_reason_and_the_rest_goes(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refusing(monkeypatch, "poison")
    texts = ["a", "poison", "b", "c", "d"]
    messages = [village.write(text) for text in texts]
    village.sync()
    eventually(lambda: len(served.world.sent) == 4, "the mails at SendGrid")
    assert sorted(mail.text for mail in served.world.sent) == ["a", "b", "c", "d"]
    assert village.texts("outbox") == []
    with village.store.reading() as connection:
        states = connection.execute(
            "SELECT state, delivery.reason FROM delivery JOIN message ON message.id = message"
            " WHERE message_id = ?",
            (messages[1].message_id,),
        ).fetchall()
    assert [tuple(row) for row in states] == [("refused", "Item 3 is damaged.")]
    village.write("later")
    village.sync()
    eventually(lambda: len(served.world.sent) == 5, "the next mail at SendGrid")
    assert histories_agree(village, served)


def _reading(monkeypatch: pytest.MonkeyPatch, readable: Callable[[wire.Decoded], bool]) -> None:
    """Let the device be able to read some bundles only."""
    decode = wire.decode

    def reading(*arguments: Any, **named: Any) -> wire.Decoded:  # noqa: ANN401
        decoded = decode(*arguments, **named)
        if not readable(decoded):
            raise RecursionError
        return decoded

    monkeypatch.setattr(session, "decode", reading)


def test_a_mail_that_only_the_device_cannot_read_is_set_aside_and_the_rest_arrives(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["a", "b", "c", "poison", "d", "e", "f", "g"]
    _reading(
        monkeypatch,
        lambda decoded: (
            not any(
                isinstance(item, wire.Mail) and item.message.text == "poison"
                for item in decoded.bundle.items
            )
        ),
    )
    for text in texts:
        write_to_village(served, text)
    sync_in_the_end(village)
    village.sync()
    assert sorted(village.texts("inbox")) == ["a", "b", "c", "d", "e", "f", "g"]
    with served.relay.database.reading() as transaction:
        alerts = transaction.scalars(sa.select(Alert).where(Alert.kind == "unread"))
        assert ["set aside" in each.text for each in alerts] == [True]
    write_to_village(served, "later")
    village.sync()
    assert len(village.texts("inbox")) == 8
    assert histories_agree(village, served)


@pytest.mark.parametrize(
    "header_field", [pytest.param(5, id="not primed"), pytest.param(7, id="not compressed")]
)
def test_what_the_device_can_only_read_in_a_simpler_form_comes_so(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch, header_field: int
) -> None:
    write_to_village(served, "history")
    village.sync()
    decode = wire.decode

    def reading(data: bytes, *arguments: Any, **named: Any) -> wire.Decoded:  # noqa: ANN401
        header: Any = cbor2.CBORDecoder(BytesIO(data)).decode()
        if header[header_field] != 0:
            raise wire.BundleError("The text is damaged.")
        return decode(data, *arguments, **named)

    monkeypatch.setattr(session, "decode", reading)
    texts = [f"mail {number} " * 20 for number in range(3)]
    for text in texts:
        write_to_village(served, text)
    village.sync()
    assert {text.strip() for text in village.texts("inbox")} == {
        "history",
        *(text.strip() for text in texts),
    }
    assert histories_agree(village, served)


def test_one_event_that_only_the_device_cannot_read_is_set_aside_and_the_others_are_told(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_poison(item: wire.Item) -> bool:
        return isinstance(item, wire.Event) and item.recipient == "3@example.org"

    _reading(monkeypatch, lambda decoded: not any(map(is_poison, decoded.bundle.items)))
    for number in range(6):
        village.write(f"to {number}", to=f"{number}@example.org")
    village.sync()
    eventually(lambda: len(served.world.events_posted) == 12, "two events of each mail")
    write_to_village(served, "in")
    sync_in_the_end(village)
    village.sync()
    assert village.texts("inbox") == ["in"]
    with village.store.reading() as connection:
        rows = connection.execute("SELECT address, state FROM delivery")
        states = {row["address"][0]: row["state"] for row in rows}
    assert states == {"3": "relayed"} | dict.fromkeys("01245", "delivered")
    assert histories_agree(village, served)


def test_news_that_only_the_device_cannot_read_is_given_up(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    _reading(
        monkeypatch,
        lambda decoded: not any(isinstance(item, wire.Event) for item in decoded.bundle.items),
    )
    village.write("out")
    village.sync()
    eventually(lambda: served.world.sent, "the mail at SendGrid")
    village.sync()
    write_to_village(served, "in")
    village.sync()
    assert village.texts("inbox") == ["in"]


def test_what_the_device_tells_of_itself_and_the_relay_refuses_is_given_up_and_all_else_goes(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = wire.decode

    def refusing(*arguments: Any, **named: Any) -> wire.Decoded:  # noqa: ANN401
        decoded = decode(*arguments, **named)
        if any(isinstance(item, wire.Residents) for item in decoded.bundle.items):
            raise wire.BundleError("Item 1 is damaged.")
        return decoded

    monkeypatch.setattr(wire, "decode", refusing)
    village.add_villager("cyr")
    for text in ("one", "two", "three"):
        village.write(text)
    assert village.sync().error is None
    village.write("four")
    village.sync()
    assert_arrived(village, served, ["one", "two", "three", "four"], [])
    assert histories_agree(village, served)


def test_a_request_that_the_relay_refuses_is_denied_and_all_else_goes(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = wire.decode

    def refusing(*arguments: Any, **named: Any) -> wire.Decoded:  # noqa: ANN401
        decoded = decode(*arguments, **named)
        for item in decoded.bundle.items:
            if isinstance(item, wire.ContentRequest) and item.name == "poison":
                raise wire.BundleError("Item 1 is damaged.")
        return decoded

    monkeypatch.setattr(wire, "decode", refusing)
    names = ("mail1", "poison", "mail2", "mail3")
    with village.store.transaction() as connection:
        for name in names:
            content_requests.ask(connection, "original", name, None)
    for text in ("a", "b", "c"):
        village.write(text)
    village.sync()
    assert_arrived(village, served, ["a", "b", "c"], [])
    assert outgoing.unsent_requests(village.store) == []
    with village.store.reading() as connection:
        found = {name: content_requests.progress(connection, "original", name) for name in names}
    assert {name: request and request.reason for name, request in found.items()} == {
        name: "refused" if name == "poison" else "gone" for name in names
    }
    assert histories_agree(village, served)


def test_a_mail_that_no_bundle_takes_is_set_aside_and_the_rest_goes(
    village: Village, served: Served
) -> None:
    village.write("> " * 50 + ("\n" + "> " * 50) * 200_000)
    village.write("small")
    village.sync()
    eventually(lambda: served.world.sent, "the mail at SendGrid")
    assert [mail.text for mail in served.world.sent] == ["small"]
    assert village.texts("outbox") == []


def test_a_mail_of_which_the_relay_makes_no_mime_comes_back_and_the_rest_goes(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(message: Any, contents: Any) -> bytes:  # noqa: ANN401
        if message.text == "poison":
            raise UnicodeError
        return compose(message, contents)

    monkeypatch.setattr("mokanda_relay.sync.up.originals.compose", broken)
    village.write("poison")
    village.write("sound")
    village.sync()
    eventually(lambda: served.world.sent, "the mail at SendGrid")
    assert [mail.text for mail in served.world.sent] == ["sound"]
    village.sync()
    with village.store.reading() as connection:
        states = {row["state"] for row in connection.execute("SELECT state FROM delivery")}
    assert "refused" in states


def test_a_bit_flipped_in_a_half_fetched_bundle_is_noticed_and_it_is_fetched_again(
    village: Village, served: Served, link: FaultyLink
) -> None:
    write_to_village(served, "".join(random.Random(2).choices("abcdefghij \n", k=20_000)))
    link.plans.append(Plan(cut_after_down=7000))
    link.plans.append(Plan(refuse=True))
    with pytest.raises(CourierError):
        village.sync()
    [part] = paths.bundles().glob("down-*")
    flip_a_bit(part)
    village.sync()
    assert len(village.texts("inbox")) == 1


def test_a_bundle_that_rotted_at_the_relay_is_sealed_anew(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_to_village(served, "whole")
    with monkeypatch.context() as patch:
        patch.setattr("mokanda_firmware.uplink.connection.Connection.fetch", lose)
        patch.setattr(run, "CUTS", 1)
        with pytest.raises(CutError):
            village.sync()
    with served.relay.database.reading() as session:
        digest = session.scalars(sa.select(DownBundle.sha256)).one()
    flip_a_bit(served.relay.settings.data / "bundles" / digest)
    village.sync()
    assert_arrived(village, served, [], ["whole"])


@pytest.mark.parametrize("whose", ["device", "relay"])
def test_histories_that_differ_heal_by_themselves(
    village: Village, served: Served, whose: str
) -> None:
    village.write("first")
    write_to_village(served, "first back")
    village.sync()
    if whose == "device":
        with village.store.transaction() as connection:
            connection.execute("DELETE FROM history")
    else:
        with served.relay.database.transaction() as session:
            history.restart(session, session.scalars(sa.select(Device.id)).one())
    village.write("second")
    write_to_village(served, "second back")
    village.sync()
    assert_arrived(village, served, ["first", "second"], ["first back", "second back"])
    assert histories_agree(village, served)


def test_a_store_restored_from_a_copy_loses_no_new_mail(
    village: Village, served: Served, tmp_path: Path
) -> None:
    village.write("before")
    village.sync()
    village.store.close()
    shutil.copytree(paths.data(), tmp_path / "copy", ignore=shutil.ignore_patterns("S.*"))
    village.write("in between")
    write_to_village(served, "in between, back")
    village.sync()
    village.store.close()
    shutil.rmtree(paths.data())
    shutil.copytree(tmp_path / "copy", paths.data())
    village.store = Store.of_device()
    village.write("after")
    write_to_village(served, "after, back")
    village.sync()
    village.sync()
    eventually(lambda: len(served.world.sent) == 3, "the mails at SendGrid")
    assert [mail.text for mail in served.world.sent] == ["before", "in between", "after"]
    assert "after, back" in village.texts("inbox")


def test_a_renewed_claim_takes_the_villages_mail_along(village: Village, served: Served) -> None:
    village.write("before")
    village.sync()
    renewed = devices.renew(served.relay, "kitenge")
    village.import_claim(renewed._replace(relay=village.claim.relay))
    village.write("after")
    write_to_village(served, "back")
    village.sync()
    village.sync()
    assert_arrived(village, served, ["before", "after"], ["back"])


def test_a_mail_at_which_the_courier_is_killed_is_set_aside_and_the_rest_arrives(
    village: Village, served: Served
) -> None:
    """As the kernel does when memory ends: nothing of the courier's own runs any more."""
    for text in ("a", "poison", "b"):
        write_to_village(served, text)
    assert any(courier_process.sync(poison="poison") for _ in range(20))
    assert sorted(village.texts("inbox")) == ["a", "b"]
