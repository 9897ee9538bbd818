# SPDX-License-Identifier: Apache-2.0
"""A device syncs with a relay over TLS: claim, hello, up, down; each step repeated, cut, forged."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import itertools
import socket
import ssl
import struct
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from mokanda_relay.operator import claims, devices, fleet, rollouts
from mokanda_relay.operator.housekeeping import Housekeeper
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Alert, Device, Resident
from mokanda_wire import protocol
from mokanda_wire.bundle import Bundle, Event, Limits, Report, encode
from mokanda_wire.envelope import Keyring
from mokanda_wire.formats import OLDEST_FORMAT
from mokanda_wire.limits import KEPT
from mokanda_wire.message import Attachment, digest_of
from tests.relay_device import RefusedByRelay, RelayDevice
from tests.relay_served import BOTH_DATABASES, Served, eventually

pytest_plugins = ("tests.relay_fixtures",)


def alert_texts(served: Served) -> list[str]:
    with served.relay.database.reading() as session:
        return [each.text for each in session.scalars(sa.select(Alert).order_by(Alert.id))]


def row(served: Served, name: str = "kitenge") -> Device:
    with served.relay.database.reading() as session:
        return session.scalars(sa.select(Device).where(Device.name == name)).one()


class TestClaim:
    def test_a_device_is_told_its_name_and_domain(self, served: Served) -> None:
        device = served.new_device()
        grant = device.claim()
        assert (grant.device, grant.domain, grant.device_key) == (
            "kitenge",
            "kitenge.example",
            device.key,
        )

    def test_a_lost_reply_is_made_good_by_claiming_again(self, served: Served) -> None:
        device = served.new_device()
        assert device.claim().device_key == device.claim().device_key
        assert device.hello().applied_up == 0

    def test_a_code_works_for_one_device_only(self, served: Served) -> None:
        device = served.new_device()
        device.claim()
        other = RelayDevice(device.claim_file, served.folder / "other")
        with pytest.raises(RefusedByRelay) as refused:
            other.claim()
        other.close()
        assert (refused.value.status, refused.value.reason) == (409, protocol.CLAIM_USED)
        assert "new claim file" in refused.value.refusal.text
        assert any("used again" in each for each in alert_texts(served))

    def test_a_code_may_be_typed_in_lower_case(self, served: Served) -> None:
        device = served.new_device()
        assert device.claim(device.claim_file.code.lower()).device == "kitenge"

    def test_a_wrong_code_is_refused_and_guessing_is_stopped(self, served: Served) -> None:
        device = served.new_device()
        for _ in range(claims.MAX_TRIES):
            with pytest.raises(RefusedByRelay) as refused:
                device.claim("AAAA-AAAA-AAAA")
            assert refused.value.reason == protocol.CLAIM_UNKNOWN
        with pytest.raises(RefusedByRelay) as refused:
            device.claim()
        assert refused.value.status == HTTPStatus.TOO_MANY_REQUESTS

    def test_behind_a_proxy_one_who_guesses_keeps_nobody_else_out(self, served: Served) -> None:
        device = served.new_device()
        wrong = device.claim_body("AAAA-AAAA-AAAA")
        for status in [404] * claims.MAX_TRIES + [429]:
            with pytest.raises(RefusedByRelay) as refused:
                device.request("POST", protocol.CLAIM, wrong, X_Forwarded_For="192.0.2.1")
            assert refused.value.status == status
        right = device.claim_body(device.claim_file.code)
        assert device.request("POST", protocol.CLAIM, right, X_Forwarded_For="192.0.2.2")[0] == 200

    def test_a_claim_signed_by_another_key_is_refused(self, served: Served) -> None:
        device = served.new_device()
        with Keyring(served.folder / "thief") as thief:
            key = thief.create_key("thief")
            asked = protocol.ClaimRequest(device.claim_file.code, device.name, "0.1.0")
            signed = thief.sign(protocol.dump(asked), key)
        body = protocol.dump(protocol.Claim(device.keyring.export_key(device.key), signed))
        with pytest.raises(RefusedByRelay) as refused:
            device.request("POST", protocol.CLAIM, body)
        assert refused.value.reason == protocol.MALFORMED
        assert row(served).claimed is None

    def test_a_renewed_claim_locks_the_old_card_out_and_brings_its_mail_to_the_new_one(
        self, served: Served
    ) -> None:
        old = served.claimed_device()
        served.world.write("ada@example.org", ["amina@kitenge.example"], "Hello", "For you.")
        down = old.hello().down
        assert down is not None  # frozen, for the old card's key; never acknowledged
        renewed = devices.renew(served.relay, "kitenge")
        with pytest.raises(RefusedByRelay) as refused:
            old.hello()
        assert refused.value.reason == protocol.DEVICE_UNKNOWN
        new = RelayDevice(renewed._replace(relay=served.device_url), served.folder / "new-card")
        served.devices.append(new)
        new.claim()
        new.sync()
        assert [mail.message.text for mail in new.mails] == ["For you."]

    @pytest.mark.parametrize("way", ["renew", "remove"])
    def test_a_key_that_was_locked_out_claims_nothing_ever_again(
        self, served: Served, way: str
    ) -> None:
        old = served.claimed_device()
        if way == "renew":
            claim = devices.renew(served.relay, "kitenge")
        else:
            devices.remove(served.relay, "kitenge")
            claim = devices.add(served.relay, "kitenge", "kitenge.example")
        old.claim_file = claim._replace(relay=served.device_url)
        with pytest.raises(RefusedByRelay) as refused:
            old.claim()
        assert refused.value.reason == protocol.CLAIM_USED


@BOTH_DATABASES
class TestSync:
    def test_mail_goes_out_and_a_reply_comes_back(self, served: Served) -> None:
        device = served.claimed_device()
        device.freeze(device.message("ada@example.org", "Hello Ada"))
        device.sync()
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        [sent] = served.world.sent
        assert (sent.recipients, sent.text) == (["ada@example.org"], "Hello Ada")

        message_id = sent.body["headers"]["Message-ID"]
        served.world.write(
            "Ada <ada@example.org>",
            ["amina@kitenge.example"],
            "Re: From the village",
            "Hello Amina",
            in_reply_to=message_id,
        )
        device.sync()
        [reply] = device.mails
        assert reply.recipients == ("amina@kitenge.example",)
        assert reply.message.text == "Hello Amina"
        assert device.told() == {"ada@example.org": ["sent", "delivered"]}
        assert reply.message.in_reply_to == device.events[0].message_id  # the device's own name

    def test_every_part_of_a_session_may_be_repeated(self, served: Served) -> None:
        device = served.claimed_device()
        pending = device.freeze(device.message("ada@example.org", "Once"))
        device.hello()
        device.upload(0)
        device.pending = pending  # as if the receipt had got lost
        assert device.upload(pending.sealed.size).applied == pending.sealed.sequence
        device.pending = pending
        assert device.hello().applied_up == pending.sealed.sequence
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        down = device.hello().down
        assert down is not None
        data = device.fetch(down.sequence)[1]
        assert device.fetch(down.sequence)[1] == data
        device.apply(down, data)
        device.apply(down, data)
        device.acknowledge()
        assert device.acknowledge().down is None
        assert len(served.world.sent) == 1
        assert device.told() == {"ada@example.org": ["sent", "delivered"]}

    def test_a_bundle_never_changes_once_frozen(self, served: Served) -> None:
        device = served.claimed_device()
        served.world.write("ada@example.org", ["amina@kitenge.example"], "First", "1")
        first = device.hello().down
        assert first is not None
        data = device.fetch(first.sequence)[1]
        served.world.write("ada@example.org", ["amina@kitenge.example"], "Second", "2")
        assert device.hello().down == first
        assert device.fetch(first.sequence)[1] == data
        device.apply(first, data)
        second = device.acknowledge().down
        assert second is not None
        assert second.sequence == first.sequence + 1

    def test_small_mail_goes_first_and_a_bundle_has_its_fill(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mokanda_relay.sync.down.plan.MAX_RAW", 20_000)
        device = served.claimed_device()
        for size in (30_000, 200, 15_000, 100):
            served.world.write("ada@example.org", ["amina@kitenge.example"], str(size), "x" * size)
        device.sync()
        *first, last = [mail.message.subject for mail in device.mails]
        assert (sorted(first), last) == (["100", "15000", "200"], "30000")
        assert device.applied_down == 2

    def test_village_writes_to_village_without_the_world(self, served: Served) -> None:
        kitenge = served.claimed_device("kitenge", "amina")
        liputa = served.claimed_device("liputa", "moke")
        kitenge.freeze(
            kitenge.message("moke@liputa.example", "Hello neighbour"),
            kitenge.message("nobody@kitenge.example", "Who are you?"),
        )
        kitenge.sync()
        liputa.sync()
        kitenge.sync()
        assert [mail.message.text for mail in liputa.mails] == ["Hello neighbour"]
        assert kitenge.told() == {
            "moke@liputa.example": ["sent"],
            "nobody@kitenge.example": ["bounced"],
        }
        assert served.world.requests == 0

    def test_a_newcomer_of_another_village_gets_the_mail_that_came_before_the_name(
        self, served: Served
    ) -> None:
        kitenge = served.claimed_device("kitenge", "amina")
        liputa = served.claimed_device("liputa", "moke")
        liputa.freeze(residents=("moke",))  # before the newcomer
        kitenge.freeze(kitenge.message("cyr@liputa.example", "Welcome"))
        kitenge.sync()
        liputa.sync()
        assert liputa.mails == []
        liputa.freeze(residents=("moke", "cyr"))
        liputa.sync()
        kitenge.sync()
        assert [mail.message.text for mail in liputa.mails] == ["Welcome"]
        assert kitenge.told() == {"cyr@liputa.example": ["sent"]}

    def test_who_writes_to_nobody_of_another_village_is_told_when_that_is_sure(
        self, served: Served
    ) -> None:
        kitenge = served.claimed_device("kitenge", "amina")
        liputa = served.claimed_device("liputa", "moke")
        kitenge.freeze(kitenge.message("nobody@liputa.example", "Who are you?"))
        kitenge.sync()
        for _ in range(2):
            liputa.freeze(residents=("moke",))
            liputa.sync()
        kitenge.sync()
        assert kitenge.told() == {"nobody@liputa.example": ["sent", "bounced"]}
        assert kitenge.events[-1].reason == "There is no such villager."
        assert alert_texts(served) == []

    def test_what_waits_for_nobody_outlives_its_writers_device(self, served: Served) -> None:
        kitenge = served.claimed_device("kitenge", "amina")
        liputa = served.claimed_device("liputa", "moke")
        kitenge.freeze(kitenge.message("nobody@liputa.example", "Who are you?"))
        kitenge.sync()
        devices.remove(served.relay, "kitenge")
        for _ in range(2):
            liputa.freeze(residents=("moke",))
            liputa.sync()
        [alert] = alert_texts(served)
        assert "nobody@liputa.example" in alert


class TestHello:
    def test_it_is_answered_with_the_relays_time(self, served: Served) -> None:
        device = served.claimed_device()
        assert abs((device.hello().time - datetime.now(UTC)).total_seconds()) < 60

    def test_said_again_it_is_refused_with_the_last_counter(self, served: Served) -> None:
        device = served.claimed_device()
        device.hello()
        with pytest.raises(RefusedByRelay) as refused:
            device.hello(counter=device.counter - 1)
        assert (refused.value.status, refused.value.reason) == (409, protocol.COUNTER_STALE)
        assert refused.value.refusal.counter == device.counter - 1

    def test_signed_by_another_device_it_is_refused(self, served: Served) -> None:
        device, other = served.claimed_device("kitenge"), served.claimed_device("liputa")
        hello = protocol.Hello(
            device.name, 99, datetime.now(UTC), "0.1.0", 0, None, device.history().tip
        )
        with pytest.raises(RefusedByRelay) as refused:
            device.say(other.keyring.sign(protocol.dump(hello), other.key))
        assert refused.value.reason == protocol.DEVICE_UNKNOWN

    @pytest.mark.parametrize("body", [b"", b"\x00" * 200, b"\xa0"])
    def test_what_is_no_hello_is_refused(self, served: Served, body: bytes) -> None:
        device = served.claimed_device()
        with pytest.raises(RefusedByRelay) as refused:
            device.say(body)
        assert refused.value.status in (400, 403)

    def test_a_new_session_ends_the_one_before(self, served: Served) -> None:
        device = served.claimed_device()
        device.freeze(device.message("ada@example.org", "Hello"))
        device.hello()
        old = device.token
        device.hello()
        device.token = old
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(0)
        assert refused.value.reason == protocol.TOKEN_WRONG

    def test_without_a_session_nothing_is_given_out(self, served: Served) -> None:
        device = served.claimed_device()
        for token in ("", "guess"):
            device.token = token
            with pytest.raises(RefusedByRelay) as refused:
                device.fetch(1)
            assert refused.value.reason == protocol.TOKEN_WRONG


class TestUpload:
    def test_a_cut_keeps_the_bytes_that_arrived(self, served: Served) -> None:
        device = served.claimed_device()
        device.freeze(device.message("ada@example.org", "".join(map(str, range(5000)))))
        assert device.pending is not None
        size = device.pending.sealed.size
        offset = device.hello().up_offset
        while offset + 3000 < size:
            device.upload_and_break_off(offset, 3000)
            eventually(
                lambda reached=offset + 3000: device.hello().up_offset == reached,  # type: ignore[misc]
                "all bytes that were sent before the cut are held",
            )
            offset += 3000
        device.upload(offset)
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
        assert row(served).bytes_up >= size

    def test_with_all_bytes_there_an_empty_request_applies_them(self, served: Served) -> None:
        device = served.claimed_device()
        pending = device.freeze(device.message("ada@example.org", "Hello"))
        device.hello()
        name = f"{row(served).id}-{pending.sealed.sequence}-{pending.sealed.sha256.hex()}"
        served.relay.uploads.write(name, 0, [pending.data])  # and then the relay was killed
        offset = device.hello().up_offset
        assert offset == pending.sealed.size
        assert device.upload(offset).applied == pending.sealed.sequence

    def test_an_offset_beyond_what_is_held_is_refused_with_the_right_one(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        device.freeze(device.message("ada@example.org", "Hello"))
        device.hello()
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(100)
        assert (refused.value.reason, refused.value.refusal.offset) == (protocol.OFFSET_WRONG, 0)

    def test_a_bundle_that_was_not_announced_is_refused(self, served: Served) -> None:
        device = served.claimed_device()
        device.hello()
        device.freeze(device.message("ada@example.org", "Hello"))
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(0)
        assert refused.value.reason == protocol.SEQUENCE_WRONG

    def test_a_device_restored_from_a_copy_learns_that_its_bundle_is_another(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        rows = device.rows
        device.freeze(device.message("ada@example.org", "First life"))
        device.sync()
        device.up_applied, device.rows = 1, rows  # its card forgot the last sync
        device.freeze(device.message("ada@example.org", "Second life"))
        reply = device.hello()
        assert reply.applied_up == 2
        assert device.pending is not None
        assert reply.applied_sha256 != device.pending.sealed.sha256
        device.freeze(device.message("ada@example.org", "Second life"))
        device.upload(device.hello().up_offset)
        eventually(lambda: len(served.world.sent) == 2, "both mails are sent")
        assert {sent.text for sent in served.world.sent} == {"First life", "Second life"}

    def test_a_giant_is_refused_before_it_is_sent(self, served: Served) -> None:
        device = served.claimed_device()
        announced = protocol.Sealed(2, protocol.MAX_BUNDLE + 1, bytes(32))
        with pytest.raises(RefusedByRelay) as refused:
            device.hello(up=announced)
        assert refused.value.reason == protocol.MALFORMED

    def test_one_flipped_bit_is_refused_for_good_and_the_next_bundle_is_taken(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        pending = device.freeze(device.message("ada@example.org", "Hello"))
        flipped = bytearray(pending.data)
        flipped[len(flipped) // 2] ^= 1
        device.pending = dataclasses.replace(pending, data=bytes(flipped))
        device.hello()
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(0)
        assert (refused.value.status, refused.value.reason) == (422, protocol.BUNDLE_BAD)
        assert any("refused" in each for each in alert_texts(served))
        assert row(served).error

        offset = device.hello().up_offset  # the refusal got lost: it is told again, for no bytes
        assert offset == pending.sealed.size
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(offset)
        assert refused.value.reason == protocol.BUNDLE_BAD

        device.freeze(device.message("ada@example.org", "Hello again"))
        device.sync()
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
        assert served.world.sent[0].text == "Hello again"
        assert row(served).error == ""

    @pytest.mark.parametrize(
        ("name", "direction", "number"),
        [("liputa", "up", 2), ("kitenge", "down", 2), ("kitenge", "up", 9)],
    )
    def test_a_bundle_of_another_place_is_refused(
        self, served: Served, name: str, direction: protocol.T, number: int
    ) -> None:
        device = served.claimed_device()
        bundle = Bundle(name, direction, number, datetime.now(UTC), ())  # type: ignore[arg-type]
        device.pend(2, encode(bundle, device.history(), bundle_format=OLDEST_FORMAT).data)
        device.hello()
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(0)
        assert refused.value.reason == protocol.BUNDLE_BAD

    @pytest.mark.parametrize("kind", ["cut", "forged", "replayed", "bomb"])
    def test_it_is_refused_with_the_reason_told_and_the_next_one_taken(
        self, served: Served, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        device = served.claimed_device()
        old = device.freeze(device.message("ada@example.org", "Before"))
        device.sync()
        if kind == "cut":
            device.freeze(device.message("ada@example.org", "Cut"))
            assert device.pending
            data = device.pending.data[:-30]
        elif kind == "forged":
            stranger = device.keyring.create_key("kitenge")
            bundle = Bundle("kitenge", "up", 3, datetime.now(UTC), ())
            plain = encode(bundle, device.history(), bundle_format=OLDEST_FORMAT).data
            data = device.keyring.seal(plain, device.relay_key, stranger)
        elif kind == "replayed":
            data = old.data
        else:
            with monkeypatch.context() as patch:
                patch.setattr("mokanda_wire.bundle.BOARD", Limits(text=1 << 40))
                device.freeze(device.message("ada@example.org", "a" * 17_000_000))
            assert device.pending
            data = device.pending.data
            assert len(data) < 100_000
        digest = hashlib.sha256(data).digest()
        device.pending = dataclasses.replace(
            old, data=data, sealed=protocol.Sealed(3, len(data), digest)
        )
        device.hello()
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(0)
        assert refused.value.reason == protocol.BUNDLE_BAD
        assert any("bundle 3 of kitenge was refused" in each for each in alert_texts(served))
        device.freeze(device.message("ada@example.org", "After"))
        device.sync()
        eventually(lambda: len(served.world.sent) == 2, "the sound mails are sent")
        assert [sent.text for sent in served.world.sent] == ["Before", "After"]

    def test_noise_in_a_good_seal_is_refused(self, served: Served) -> None:
        device = served.claimed_device()
        device.pend(2, b"\x8b" + b"noise" * 100)
        device.hello()
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(0)
        assert refused.value.reason == protocol.BUNDLE_BAD

    def test_a_history_that_the_relay_does_not_hold_is_named_and_both_start_over(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        device.freeze(device.message("ada@example.org", "Common ground"))
        device.sync()
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        frozen = device.freeze(device.message("ada@example.org", "Primed with what is gone"))
        with served.relay.database.transaction() as session:
            session.execute(sa.text("DELETE FROM history"))  # restored from an old backup
        reply = device.hello()
        assert not reply.history_agrees
        device.pending = frozen
        with pytest.raises(RefusedByRelay) as refused:
            device.upload(0)
        assert refused.value.reason == protocol.HISTORY_UNKNOWN
        device.freeze(device.message("ada@example.org", "Unprimed"))
        device.sync()
        eventually(lambda: len(served.world.sent) == 2, "the second mail is sent")
        assert device.hello().history_agrees


class TestMailFromAVillage:
    def test_an_attachment_and_its_place_in_the_text_arrive(self, served: Served) -> None:
        device = served.claimed_device()
        photo = bytes(range(256)) * 40
        attachment = Attachment("lake.jpg", "image/jpeg", digest_of(photo), len(photo), "lake")
        mail = device.message(
            "ada@example.org",
            "Our lake",
            html='<p>Our lake</p><img src="cid:lake">',
            attachments=(attachment,),
        )
        device.freeze(mail, contents={attachment.digest: photo})
        device.sync()
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
        [sent] = served.world.sent[0].body["attachments"]
        assert (sent["filename"], sent["disposition"], sent["content_id"]) == (
            "lake.jpg",
            "inline",
            "lake",
        )

    @pytest.mark.parametrize("sender", ["chief@liputa.example", "stranger@kitenge.example"])
    def test_a_device_cannot_send_as_anyone_but_its_own_villagers(
        self, served: Served, sender: str
    ) -> None:
        device = served.claimed_device()
        mail = device.message("ada@example.org", "I am someone else")
        message = mail.message._replace(sender=mail.message.sender._replace(address=sender))
        device.freeze(dataclasses.replace(mail, message=message))
        device.sync()
        device.sync()
        assert device.told() == {"ada@example.org": ["refused"]}
        assert sender in device.events[0].reason
        assert served.world.requests == 0

    def test_mails_that_are_refused_are_one_alert_a_day(self, served: Served) -> None:
        device = served.claimed_device()
        texts = ("One", "Two", "Three")
        device.freeze(*(device.message("ada@example.org", each, "stranger") for each in texts))
        device.sync()
        with served.relay.database.reading() as session:
            [alert] = session.scalars(sa.select(Alert))
        assert (alert.kind, alert.count) == ("refused", 3)

    def test_a_villager_of_this_very_bundle_may_send(self, served: Served) -> None:
        device = served.claimed_device("kitenge", "amina")
        mail = device.message("ada@example.org", "I am new here", sender="dina")
        device.freeze(mail, residents=("amina", "dina"))
        device.sync()
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")

    def test_an_address_that_is_none_bounces_and_the_others_are_served(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        mail = device.message("ada@example.org", "Hello")
        device.freeze(dataclasses.replace(mail, recipients=("ada@example.org", "no-address")))
        device.sync()
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        device.sync()
        assert device.told() == {
            "ada@example.org": ["sent", "delivered"],
            "no-address": ["bounced"],
        }


class TestDownload:
    def frozen(self, served: Served) -> tuple[RelayDevice, protocol.Sealed, bytes]:
        device = served.claimed_device()
        text = "".join(map(str, range(3000)))
        served.world.write("ada@example.org", ["amina@kitenge.example"], "Long", text)
        down = device.hello().down
        assert down is not None
        return device, down, device.fetch(down.sequence)[1]

    def test_it_resumes_from_the_byte_that_the_device_holds(self, served: Served) -> None:
        device, down, data = self.frozen(served)
        status, rest = device.fetch(down.sequence, offset=1000)
        assert (status, data[:1000] + rest) == (206, data)

    def test_a_range_of_another_bundle_is_answered_with_the_whole(self, served: Served) -> None:
        device, down, data = self.frozen(served)
        assert device.fetch(down.sequence, 1000, If_Range='"other"') == (200, data)

    def test_the_etag_is_the_digest(self, served: Served) -> None:
        device, down, _ = self.frozen(served)
        path = protocol.DOWN.format(sequence=down.sequence)
        _, _, headers = device.request("GET", path, b"", Token=device.token)
        assert headers["ETag"] == f'"{down.sha256.hex()}"'

    def test_the_bytes_are_counted(self, served: Served) -> None:
        device, down, data = self.frozen(served)
        device.fetch(down.sequence, offset=len(data) - 100)
        total = len(data) + 100
        eventually(lambda: row(served).bytes_down == total, "the bytes are counted")

    def test_another_devices_bundle_is_not_given_out(self, served: Served) -> None:
        _, down, _ = self.frozen(served)
        other = served.claimed_device("liputa")
        other.hello()
        with pytest.raises(RefusedByRelay) as refused:
            other.fetch(down.sequence)
        assert refused.value.reason == protocol.SEQUENCE_WRONG

    def test_a_mail_to_hundreds_names_some_of_them(self, served: Served) -> None:
        device = served.claimed_device()
        people = ",\r\n ".join(f"a{number}@b.ch" for number in range(500))
        raw = f"From: ada@example.org\r\nTo: {people}\r\nSubject: To all\r\n\r\nHello".encode()
        served.world.post_inbound(raw, "ada@example.org", ["amina@kitenge.example"])
        device.sync()
        [mail] = device.mails
        assert len(mail.message.to) == 20

    def test_a_device_that_is_ahead_of_a_restored_relay_is_served_on(self, served: Served) -> None:
        device = served.claimed_device()
        device.applied_down = 7
        served.world.write("ada@example.org", ["amina@kitenge.example"], "Hello", "Hello")
        device.sync()
        assert device.applied_down == 8
        assert len(device.mails) == 1
        assert any("this relay was restored" in each for each in alert_texts(served))


class TestTheLine:
    def test_tls_is_1_2_or_newer_and_the_certificate_never_ends(self, served: Served) -> None:
        device = served.claimed_device()
        device.hello()
        line = device.connect().sock
        assert isinstance(line, ssl.SSLSocket)
        assert line.version() == "TLSv1.3"
        certificate = line.getpeercert()
        assert certificate is not None
        assert certificate["notBefore"] == "Jan  1 00:00:00 1970 GMT"
        assert certificate["notAfter"] == "Dec 31 23:59:59 9999 GMT"

    def test_a_caller_that_says_nothing_keeps_nobody_out(self, served: Served) -> None:
        device = served.claimed_device()
        host, _, port = served.device_url.removeprefix("https://").partition(":")
        silent = [http.client.HTTPConnection(host, int(port)) for _ in range(8)]
        for each in silent:
            each.connect()
        device.disconnect()
        assert device.hello().applied_up == 1
        for each in silent:
            each.close()

    def test_a_connection_that_breaks_in_the_handshake_is_no_error_in_the_log(
        self, served: Served, caplog: pytest.LogCaptureFixture
    ) -> None:
        address = urlsplit(served.device_url)
        for abrupt, sent in itertools.product((True, False), (b"", b"\x16\x03\x01\x02\x00\x01")):
            with socket.create_connection((address.hostname, address.port), timeout=5) as line:
                line.sendall(sent)
                if abrupt:  # with a reset
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        served.claimed_device().hello()
        assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []

    def test_a_full_disk_is_said_and_loses_nothing(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        device = served.claimed_device()
        device.freeze(device.message("ada@example.org", "Hello"))
        device.hello()

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr("mokanda_wire.durable.os.fsync", full)
            with pytest.raises(RefusedByRelay) as refused:
                device.upload(0)
        assert refused.value.status == HTTPStatus.INSUFFICIENT_STORAGE
        device.upload(device.hello().up_offset)
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")


def test_what_the_operator_sees_of_a_sync(served: Served) -> None:
    device = served.claimed_device()
    device.freeze(device.message("ada@example.org", "Hello"))
    device.sync()
    eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
    device.sync()
    with served.relay.database.reading() as session:
        [village] = fleet.villages(session)
    assert village.device.version == "0.1.0"
    assert village.device.last_sync is not None
    assert village.device.last_exchange == village.device.last_sync
    assert (village.device.mails_out, village.waiting_out, village.waiting_down) == (1, 0, 0)
    assert isinstance(device.events[0], Event)


class TestReleases:
    def test_an_update_is_offered_and_fetched_from_where_it_broke_off(self, served: Served) -> None:
        update = served.folder / "update.raucb"
        update.write_bytes(bytes(range(256)) * 100)
        rollouts.publish(served.relay, update, "0.2.0", "orangepi-zero")
        device = served.claimed_device()
        device.freeze(Report({"board": "orangepi-zero"}))
        device.sync()
        offered = device.hello().release
        assert offered is not None
        assert offered.version == "0.2.0"
        _, start, _ = device.request("GET", offered.path)
        status, rest, _ = device.request("GET", offered.path, b"", Range="bytes=20000-")
        assert (status, start[:20000] + rest) == (206, update.read_bytes())
        assert hashlib.sha256(start).digest() == offered.sha256

    @pytest.mark.parametrize("name", ["none.raucb", "manifest.json", "..%2Frelay.db"])
    def test_nothing_else_is_given_out(self, served: Served, name: str) -> None:
        connection = served.new_device().connect()
        connection.request("GET", protocol.RELEASE.format(name=name))
        assert connection.getresponse().status == 404


class TestWhoLivesThere:
    """The list of residents, of a device that has them, deletes some, or has lost them."""

    def told(self, device: RelayDevice, *names: str, deletions: int | None = None) -> None:
        report = [] if deletions is None else [Report({"deletions": deletions})]
        device.freeze(*report, residents=names)
        device.sync()

    def arrives(self, served: Served, device: RelayDevice, name: str) -> bool:
        """Whether a mail to this villager is taken, and comes at once."""
        before = len(device.mails)
        served.world.write("ada@example.org", [f"{name}@kitenge.example"], "Mbote", "Ndenge nini?")
        device.sync()
        return len(device.mails) > before

    @pytest.mark.parametrize("names", [(), ("eva",), ("amina",)])
    @pytest.mark.parametrize("deletions", [None, 0])
    def test_villagers_whom_a_device_has_lost_are_kept(
        self, served: Served, names: tuple[str, ...], deletions: int | None
    ) -> None:
        device = served.claimed_device("kitenge", "amina", "bako", "cyr")
        self.told(device, *names, deletions=deletions)
        assert not self.arrives(served, device, "bako")
        [alert] = alert_texts(served)
        assert "does not say why" in alert
        self.told(device, *names, "bako", deletions=deletions)
        assert [mail.recipients for mail in device.mails] == [("bako@kitenge.example",)]
        assert alert_texts(served) == [alert]

    def test_villagers_whom_a_device_has_deleted_are_gone(self, served: Served) -> None:
        device = served.claimed_device("kitenge", "amina", "bako", "cyr")
        self.told(device, "amina", "bako", "cyr", deletions=4)
        self.told(device, "amina", deletions=6)
        assert alert_texts(served) == []
        assert not self.arrives(served, device, "bako")
        self.told(device, "amina", deletions=6)
        self.told(device, "amina", deletions=6)
        [alert] = alert_texts(served)
        assert "unknown villager" in alert

    def test_each_deletion_explains_one_list(self, served: Served) -> None:
        device = served.claimed_device("kitenge", "amina", "bako", "cyr")
        self.told(device, "amina", "bako", deletions=1)
        self.told(device, "amina", deletions=1)
        [alert] = alert_texts(served)
        assert "names 1 of its 2 villagers no more" in alert

    def test_a_device_that_does_not_count_may_delete_some(self, served: Served) -> None:
        device = served.claimed_device("kitenge", "amina", "bako", "cyr")
        self.told(device, "amina", "bako")
        assert alert_texts(served) == []

    def test_who_does_not_come_back_is_forgotten_after_thirty_days(self, served: Served) -> None:
        device = served.claimed_device("kitenge", "amina", "bako")
        self.told(device)
        with served.relay.database.transaction() as session:
            session.execute(sa.update(Resident).values(gone=clock.now() - KEPT * 2))
        Housekeeper(served.relay).tidy()
        with served.relay.database.reading() as session:
            assert session.scalars(sa.select(Resident)).all() == []
