# SPDX-License-Identifier: Apache-2.0
"""What keeps a relay in order: releases, tidying, claim codes, its certificate."""

from __future__ import annotations

import contextlib
import hashlib
import stat
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from mokanda_relay.operator import claims, housekeeping
from mokanda_relay.relay import Relay
from mokanda_relay.store import clock, releases
from mokanda_relay.store.alerts import record
from mokanda_relay.store.certificate import ensure_certificate
from mokanda_relay.store.clock import now
from mokanda_relay.store.tables import Alert, Device, Incoming, Original, Resident
from mokanda_relay.sync.refusals import RefusedError
from mokanda_relay.transport import outbox
from mokanda_relay.transport.down_queue import deliver, record_original
from mokanda_wire import protocol
from mokanda_wire.delta import Header

pytest_plugins = ("tests.relay_fixtures",)

HEADER = Header(b"b" * 32, "0.1.0", 19, 10507, 5, b"of another".ljust(32))


class TestCertificate:
    def test_it_is_made_once_and_small(self, tmp_path: Path) -> None:
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        ensure_certificate(certificate, key)
        first = certificate.read_bytes()
        ensure_certificate(certificate, key)
        assert certificate.read_bytes() == first
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        loaded = x509.load_pem_x509_certificate(first)
        assert (loaded.not_valid_before_utc.year, loaded.not_valid_after_utc.year) == (1970, 9999)
        assert len(loaded.public_bytes(serialization.Encoding.DER)) < 250


class TestClaimCodes:
    def test_they_can_be_told_over_a_bad_line(self) -> None:
        code = claims.new_code()
        assert [len(group) for group in code.split("-")] == [4, 4, 4]
        assert not set(code) & set("01ILOU")

    def test_they_are_known_again_however_they_are_written(self) -> None:
        assert claims.hash_code("ABCD-EFGH-2345") == claims.hash_code(" abcdefgh 2345\n")

    def test_one_that_an_earlier_relay_gave_out_is_known(self) -> None:
        digest = hashlib.scrypt(b"ABCDEFGH2345", salt=b"mokanda claim", n=16384, r=8, p=1, dklen=32)
        assert claims.hash_code("ABCD-EFGH-2345") == digest.hex()

    def test_after_some_wrong_ones_a_caller_has_to_wait_and_others_have_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        throttle = claims.Throttle()

        def try_in_vain(caller: str) -> str:
            with pytest.raises(RefusedError) as refused, throttle.trying(caller):
                raise RefusedError(protocol.CLAIM_UNKNOWN, "wrong")
            return refused.value.refusal.reason

        for _ in range(claims.MAX_TRIES):
            assert try_in_vain("192.0.2.1") == protocol.CLAIM_UNKNOWN
        assert try_in_vain("192.0.2.1") == protocol.TRY_LATER
        assert try_in_vain("192.0.2.2") == protocol.CLAIM_UNKNOWN
        later = time.monotonic() + claims.TRIES_WITHIN + 1
        monkeypatch.setattr("mokanda_relay.operator.tries.time.monotonic", lambda: later)
        assert try_in_vain("192.0.2.1") == protocol.CLAIM_UNKNOWN

    def test_those_at_the_same_time_count_and_right_ones_do_not(self) -> None:
        throttle = claims.Throttle()
        for _ in range(claims.MAX_TRIES + 1):
            with throttle.trying("192.0.2.1"):
                pass
        with contextlib.ExitStack() as stack, pytest.raises(RefusedError):
            for _ in range(claims.MAX_TRIES + 1):
                stack.enter_context(throttle.trying("192.0.2.1"))


class TestReleases:
    def add(self, folder: Path, version: str, board: str = "orangepi-zero") -> releases.Entry:
        update = folder.parent / "update.raucb"
        update.write_bytes(version.encode())
        return releases.add(folder, update, version, board)

    def test_the_same_version_with_other_contents_is_refused(self, tmp_path: Path) -> None:
        folder = tmp_path / "releases"
        folder.mkdir()
        self.add(folder, "0.2.0")
        self.add(folder, "0.2.0")
        assert len(releases.entries(folder)) == 1
        other = tmp_path / "other.raucb"
        other.write_bytes(b"other")
        with pytest.raises(releases.ReleaseError, match="raise the version"):
            releases.add(folder, other, "0.2.0", "orangepi-zero")

    def test_the_delta_from_what_a_device_runs_is_offered_beside_it(self, tmp_path: Path) -> None:
        update, delta = tmp_path / "update.raucb", tmp_path / "some.delta"
        update.write_bytes(b"0.2.0")
        sha256 = hashlib.sha256(b"0.2.0").digest()
        header = Header(b"b" * 32, "0.1.0", 19, 10507, 5, sha256)
        delta.write_bytes(header.dump() + b"plan")
        folder = tmp_path / "releases"
        folder.mkdir()
        releases.add(folder, update, "0.2.0", "orangepi-zero", [delta])
        [entry] = releases.entries(folder)
        assert releases.offered(folder, entry, "0.1.0").delta == protocol.Delta(
            b"b" * 32,
            delta.stat().st_size,
            hashlib.sha256(delta.read_bytes()).digest(),
            "/v1/release/orangepi-zero-0.2.0-from-0.1.0.delta",
        )
        assert releases.offered(folder, entry, "0.0.9").delta is None

    @pytest.mark.parametrize("content", [b"no delta", HEADER.dump()])
    def test_a_delta_of_another_update_is_refused(self, tmp_path: Path, content: bytes) -> None:
        update, delta = tmp_path / "update.raucb", tmp_path / "some.delta"
        update.write_bytes(b"0.2.0")
        delta.write_bytes(content)
        with pytest.raises(releases.ReleaseError):
            releases.add(tmp_path, update, "0.2.0", "orangepi-zero", [delta])
        assert releases.entries(tmp_path) == []

    @pytest.mark.parametrize("word", ["", "../x", "a b", ".hidden"])
    def test_words_that_are_no_file_names_are_refused(self, tmp_path: Path, word: str) -> None:
        with pytest.raises(releases.ReleaseError):
            self.add(tmp_path, word)
        with pytest.raises(releases.ReleaseError):
            self.add(tmp_path, "0.2.0", board=word)


def tidy(relay: Relay) -> None:
    """What an hour does."""
    housekeeper = housekeeping.Housekeeper(relay)
    housekeeper.tidy()
    housekeeper.tidy()


class TestTidying:
    def original(self, relay: Relay, content: bytes, recipient: str = "") -> str:
        """A kept mail, last handed in 31 days ago; on its way to `recipient`, if given."""
        digest, size = relay.originals.write_by_digest([content])
        with relay.database.transaction() as session:
            record_original(session, digest, size)
            if recipient:
                deliver(session, recipient, digest, size)
            session.get_one(Original, digest).kept = now() - timedelta(days=31)
        return digest

    @pytest.fixture(autouse=True)
    def village(self, relay: Relay) -> None:
        with relay.database.transaction() as session:
            session.add(Device(id=1, name="kitenge", domain="kitenge.example", added=now()))

    def test_a_mail_that_still_waits_is_kept_however_old(self, relay: Relay) -> None:
        waiting = self.original(relay, b"waiting", "amina@kitenge.example")
        tidy(relay)
        assert relay.originals.exists(waiting)

    @pytest.mark.parametrize(("villager", "there"), [("amina", True), ("bako", False)])
    def test_one_for_a_villager_whom_the_device_does_not_have_goes_after_thirty_days(
        self, relay: Relay, villager: str, *, there: bool
    ) -> None:
        waiting = self.original(relay, b"waiting", "amina@kitenge.example")
        with relay.database.transaction() as session:
            device = session.scalars(sa.select(Device)).one()
            device.residents_known = True
            session.add(Resident(device_id=device.id, name=villager))
            session.execute(sa.update(Incoming).values(received=now() - timedelta(days=31)))
        tidy(relay)
        assert relay.originals.exists(waiting) == there

    def test_so_is_one_that_waits_for_the_world(self, relay: Relay) -> None:
        waiting = self.original(relay, b"waiting")
        with relay.database.transaction() as session:
            outbox.post(session, 1, "1@kitenge.example", waiting, ["ada@example.org"])
        tidy(relay)
        assert relay.originals.exists(waiting)

    def test_a_delivered_one_goes_after_thirty_days(self, relay: Relay) -> None:
        delivered = self.original(relay, b"delivered", "amina@kitenge.example")
        for days, there in ((29, True), (31, False)):
            with relay.database.transaction() as session:
                session.execute(sa.update(Incoming).values(delivered=now() - timedelta(days=days)))
            tidy(relay)
            assert relay.originals.exists(delivered) == there

    def test_files_that_no_row_names_go_the_second_time(self, relay: Relay) -> None:
        housekeeper = housekeeping.Housekeeper(relay)
        relay.bundles.write("orphan", b"left by a crash")
        relay.uploads.write("orphan", 0, [b"left by a crash"])
        housekeeper.tidy()
        assert relay.bundles.exists("orphan")
        housekeeper.tidy()
        assert not relay.bundles.exists("orphan")
        assert relay.uploads.size("orphan") == 0

    def test_one_that_is_written_again_meanwhile_stays(self, relay: Relay) -> None:
        """A mail that was not taken comes again, and the row of it is about to be written."""
        housekeeper = housekeeping.Housekeeper(relay)
        relay.originals.write_by_digest([b"mail"])
        housekeeper.tidy()
        digest, _ = relay.originals.write_by_digest([b"mail"])
        housekeeper.tidy()
        assert relay.originals.exists(digest)

    def test_a_clock_that_jumps_ahead_takes_nothing_away(
        self, relay: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tidy(relay)
        delivered = self.original(relay, b"delivered", "amina@kitenge.example")
        in_the_making, _ = relay.originals.write_by_digest([b"in the making"])
        today = now()
        with relay.database.transaction() as session:
            session.execute(sa.update(Incoming).values(delivered=today))
        monkeypatch.setattr(clock, "now", lambda: today + timedelta(days=30 * 365))
        housekeeper = housekeeping.Housekeeper(relay)
        housekeeper.tidy()
        assert relay.originals.exists(in_the_making)
        for _ in range(24):
            housekeeper.tidy()
        monkeypatch.setattr(clock, "now", lambda: today)
        housekeeper.tidy()
        assert relay.originals.exists(delivered)

    def test_old_alerts_are_forgotten(self, relay: Relay) -> None:
        with relay.database.transaction() as session:
            record(session, "claim", "old")
            record(session, "claim", "new")
            session.flush()
            session.execute(
                sa.update(Alert).where(Alert.text == "old").values(at=now() - timedelta(days=91))
            )
        tidy(relay)
        with relay.database.reading() as session:
            assert [each.text for each in session.scalars(sa.select(Alert))] == ["new"]
