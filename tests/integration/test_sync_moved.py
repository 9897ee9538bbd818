# SPDX-License-Identifier: Apache-2.0
"""A relay that moves to another address: its devices follow, and no mail is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from mokanda_firmware import paths
from mokanda_firmware.courier import run as courier_run
from mokanda_firmware.courier import without_store
from mokanda_firmware.mailbox.store.database import StoreUnfit
from mokanda_firmware.uplink import identity, moves, places
from mokanda_firmware.uplink.failures import LinkError
from mokanda_relay.__main__ import main
from mokanda_relay.operator import devices, moving
from mokanda_relay.operator.moving import MoveError
from mokanda_relay.store.certificate import ensure_certificate
from mokanda_relay.store.tables import Move
from mokanda_wire import protocol
from mokanda_wire.envelope import Keyring
from tests import courier_process
from tests.faults import FaultyLink, Plan
from tests.operators_guide import commands_of
from tests.relay_served import BOTH_DATABASES, Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)

GONE = Plan(refuse=True)


class Addresses:
    """The relay's addresses; each leads to it until it is taken away."""

    def __init__(self, served: Served, stack: ExitStack) -> None:
        url = urlsplit(served.device_url)
        assert url.hostname
        assert url.port
        self._relay = (url.hostname, url.port)
        self._stack = stack
        self.old, self.new, self.newest = (self.make() for _ in range(3))

    def make(self) -> FaultyLink:
        return self._stack.enter_context(FaultyLink(self._relay))


def url(link: FaultyLink) -> str:
    return f"https://127.0.0.1:{link.port}"


@pytest.fixture
def addresses(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Addresses]:
    monkeypatch.setattr(courier_run, "CUTS", 1)
    with ExitStack() as stack:
        yield Addresses(served, stack)


@pytest.fixture
def relay_url(addresses: Addresses) -> str:
    """The old address, at which the device knows the relay."""
    return url(addresses.old)


def move(served: Served, to: str, certificate: str | None = None) -> None:
    pinned = served.relay.certificate.read_text() if certificate is None else certificate
    with served.relay.database.transaction() as session:
        moving.announce(served.relay, session, moving.to_address(served.relay, session, to, pinned))


def state(served: Served, name: str = "kitenge") -> str:
    with served.relay.database.reading() as session:
        progress = moving.progress(session)
    assert progress is not None
    return progress.states[name]


def here(village: Village) -> str:
    return places.read(village.claim).here.relay


def write_to_village(served: Served, text: str) -> None:
    served.world.write("ada@example.org", ["amina@kitenge.example"], text, text)


@BOTH_DATABASES
def test_a_device_follows_at_its_next_run_and_the_old_address_may_go(
    village: Village, served: Served, addresses: Addresses
) -> None:
    move(served, url(addresses.new))
    village.sync()
    assert here(village) == url(addresses.old)
    addresses.old.default = GONE
    village.write("out")
    write_to_village(served, "back")
    village.sync()
    village.sync()
    assert here(village) == url(addresses.new)
    assert state(served) == "has followed"
    assert village.texts("inbox") == ["back"]
    eventually(lambda: [mail.text for mail in served.world.sent] == ["out"], "the mail")


def test_the_operator_sees_how_far_a_device_is(
    village: Village, served: Served, addresses: Addresses
) -> None:
    devices.add(served.relay, "kimpese", "kimpese.example")
    move(served, url(addresses.new))
    assert state(served) == "not yet"
    assert state(served, "kimpese") == "not claimed; its claim file is of before"
    assert "not yet" in served.get("/")[1]
    village.sync()
    village.sync()
    assert state(served) == "has followed"
    assert "1 of 2 have followed" in served.get("/")[1]


def test_a_device_that_knows_and_does_not_get_there_is_told_apart(
    village: Village, served: Served, addresses: Addresses
) -> None:
    addresses.new.default = GONE
    move(served, url(addresses.new))
    village.sync()
    village.sync()
    assert state(served) == "knows of it, and has not come that way yet"


def test_while_the_new_address_does_not_answer_mail_goes_by_the_old_one(
    village: Village, served: Served, addresses: Addresses
) -> None:
    addresses.new.default = GONE
    move(served, url(addresses.new))
    village.sync()
    for text in ("one", "two"):
        write_to_village(served, text)
        village.sync()
    assert village.texts("inbox") == ["one", "two"]
    addresses.new.default = Plan()
    village.sync()
    assert here(village) == url(addresses.new)


def test_what_breaks_at_the_new_address_goes_by_the_old_one_in_the_same_run(
    village: Village, served: Served, addresses: Addresses
) -> None:
    move(served, url(addresses.new))
    village.sync()
    write_to_village(served, "back")
    addresses.new.plans.append(Plan(cut_after_down=1000))  # in the reply to hello
    village.sync()
    assert village.texts("inbox") == ["back"]
    assert here(village) == url(addresses.old)


def test_the_old_address_is_the_last_resort_for_ever(
    village: Village, served: Served, addresses: Addresses
) -> None:
    move(served, url(addresses.new))
    village.sync()
    village.sync()
    addresses.new.default = GONE
    write_to_village(served, "back")
    village.sync()
    assert village.texts("inbox") == ["back"]
    assert state(served) == "has followed"
    addresses.old.default = GONE
    with pytest.raises(LinkError):
        village.sync()


def test_somebody_else_at_the_new_address_gets_nothing(
    village: Village, served: Served, addresses: Addresses, tmp_path: Path
) -> None:
    ensure_certificate(tmp_path / "certificate", tmp_path / "key")
    move(served, url(addresses.new), (tmp_path / "certificate").read_text())
    village.sync()
    village.write("out")
    village.sync()  # the relay's own certificate is not the one that was announced
    assert here(village) == url(addresses.old)
    eventually(lambda: [mail.text for mail in served.world.sent] == ["out"], "the mail")


def test_two_moves_in_a_row_are_followed_as_one(
    village: Village, served: Served, addresses: Addresses
) -> None:
    move(served, url(addresses.new))
    move(served, url(addresses.newest))
    village.sync()
    addresses.old.default = addresses.new.default = GONE
    village.sync()
    assert here(village) == url(addresses.newest)
    assert addresses.new.connections == 0


def test_a_move_that_was_not_followed_yet_gives_way_to_the_next(
    village: Village, served: Served, addresses: Addresses
) -> None:
    addresses.new.default = GONE
    move(served, url(addresses.new))
    village.sync()
    move(served, url(addresses.newest))
    village.sync()
    village.sync()
    assert here(village) == url(addresses.newest)


def test_an_announcement_of_before_changes_nothing(
    village: Village, served: Served, addresses: Addresses
) -> None:
    move(served, url(addresses.newest))
    with served.relay.database.reading() as session:
        first = session.get_one(Move, 1)
    old = protocol.dump(protocol.Move(first.number, first.relay, None))
    move(served, url(addresses.new))
    village.sync()
    village.sync()
    signed = served.relay.keyring.sign(old, served.relay.fingerprint)
    with Keyring(paths.keys()) as keyring:
        moves.note(village.claim, signed, served.relay.fingerprint, keyring)
    assert places.read(village.claim).next is None
    assert here(village) == url(addresses.new)


def test_nobody_but_the_relay_announces_a_move(village: Village) -> None:
    who = identity.read()
    assert who is not None
    with Keyring(paths.keys()) as keyring:
        forged = keyring.sign(
            protocol.dump(protocol.Move(1, "https://thief.example", None)), who.outcome.fingerprint
        )
        with pytest.raises(Exception, match="signed by"):
            moves.note(village.claim, forged, who.place.fingerprint, keyring)
    assert here(village) == who.place.relay


@pytest.mark.parametrize(
    "announced",
    [
        protocol.Move(1, "http://relay.example", None),
        protocol.Move(1, f"https://{'a' * 300}.example", None),
        protocol.Move(1, "https://relay.example", b"no certificate"),
    ],
    ids=["no-https", "too-long", "no-certificate"],
)
def test_a_move_that_leads_nowhere_is_not_noted(
    village: Village, served: Served, announced: protocol.Move
) -> None:
    signed = served.relay.keyring.sign(protocol.dump(announced), served.relay.fingerprint)
    with Keyring(paths.keys()) as keyring, pytest.raises(protocol.ProtocolError):
        moves.note(village.claim, signed, served.relay.fingerprint, keyring)
    assert places.read(village.claim).next is None


def test_a_renewed_claim_wins_over_what_was_followed(
    village: Village, served: Served, addresses: Addresses
) -> None:
    move(served, url(addresses.new))
    village.sync()
    village.sync()
    renewed = devices.renew(served.relay, "kitenge")
    assert renewed.relay == url(addresses.new)
    village.claim = renewed._replace(relay=url(addresses.newest))
    village.import_claim()
    village.sync()
    assert here(village) == url(addresses.newest)
    assert state(served) == "has followed"


def test_a_card_restored_from_before_the_move_follows_again(
    village: Village, served: Served, addresses: Addresses
) -> None:
    write_to_village(served, "before")
    village.sync()
    move(served, url(addresses.new))
    village.sync()
    village.sync()
    paths.followed().unlink()
    village.sync()
    assert state(served) != "has followed"
    village.sync()
    assert here(village) == url(addresses.new)
    assert village.texts("inbox") == ["before"]


def test_a_file_of_moves_that_is_damaged_is_like_none(
    village: Village, served: Served, addresses: Addresses
) -> None:
    move(served, url(addresses.new))
    village.sync()
    village.sync()
    paths.followed().write_bytes(paths.followed().read_bytes()[:40])
    village.sync()
    village.sync()
    assert here(village) == url(addresses.new)


@pytest.mark.long
def test_the_power_may_go_at_any_step(
    village: Village, served: Served, addresses: Addresses
) -> None:
    village.store.close()
    move(served, url(addresses.new))
    for place in (addresses.old, addresses.new):  # first it notes the move, then it follows
        step = 1
        while not courier_process.sync(death=step):
            assert here(village) in {url(addresses.old), url(addresses.new)}
            step += 1
        assert step > 3
        assert courier_process.sync()
        assert place.connections > 0
    assert here(village) == url(addresses.new)
    assert state(served) == "has followed"


def test_a_full_card_keeps_no_mail_from_coming(
    village: Village, served: Served, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(served, url(addresses.new))
    write_to_village(served, "back")

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(places, "durable", SimpleNamespace(write=full))
        village.sync()
    assert village.texts("inbox") == ["back"]
    assert places.read(village.claim).next is None
    village.sync()
    village.sync()
    assert here(village) == url(addresses.new)


def test_a_device_in_1970_follows(village: Village, served: Served, addresses: Addresses) -> None:
    move(served, url(addresses.new))
    village.store.close()
    for _ in range(2):
        assert courier_process.sync(off=-50 * 365 * 24 * 3600.0)
    assert here(village) == url(addresses.new)


def test_a_device_without_its_mail_store_calls_where_it_has_followed(
    village: Village, served: Served, addresses: Addresses
) -> None:
    move(served, url(addresses.new))
    village.sync()
    village.sync()
    addresses.old.default = GONE
    assert without_store.tell(StoreUnfit("lost", "the mail store is gone"))
    assert state(served) == "has followed"


class TestRelayDevice:
    """A device of the tests' own says what it likes in its hello."""

    def test_an_older_device_is_told_nothing_and_the_operator_sees_it(self, served: Served) -> None:
        device = served.claimed_device()
        move(served, "https://relay.example")
        assert device.hello().move is None
        assert state(served) == "its software cannot follow: update it"

    def test_a_device_that_knows_is_not_told_again(self, served: Served) -> None:
        device = served.claimed_device()
        move(served, "https://relay.example")
        signed = device.hello(move=0).move
        assert signed is not None
        announced = protocol.load(protocol.Move, device.keyring.verify(signed, device.relay_key))
        assert (announced.number, announced.relay, announced.key) == (
            1,
            "https://relay.example",
            None,
        )
        assert device.hello(move=0, noted=1).move is None
        assert device.hello(move=1).move is None
        assert state(served) == "has followed"

    def test_a_device_claimed_after_a_move_knows_it_by_its_claim(self, served: Served) -> None:
        move(served, "https://relay.example")
        device = served.new_device()
        device.claim()
        assert device.hello(move=0).move is None
        assert state(served) == "has followed"

    def test_a_relay_that_was_set_back_goes_on_behind_the_moves_that_devices_know(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        move(served, "https://relay.example")
        device.hello(move=7)
        move(served, "https://another.example")
        assert device.hello(move=7).move is not None
        with served.relay.database.reading() as session:
            numbers = [each.number for each in moving.all_moves(session)]
        assert numbers == [0, 1, 8]


class TestUndo:
    def test_it_leads_those_back_who_have_heard_of_the_move(
        self, village: Village, served: Served, addresses: Addresses
    ) -> None:
        with served.relay.database.transaction() as session:
            session.add(
                Move(
                    number=0,
                    at=sa.func.now(),
                    relay=url(addresses.old),
                    certificate=served.relay.certificate.read_text(),
                    fingerprint=served.relay.fingerprint,
                )
            )
        addresses.new.default = GONE
        move(served, url(addresses.new))
        village.sync()
        with served.relay.database.transaction() as session:
            moving.announce(served.relay, session, moving.undo(session))
        village.sync()
        village.sync()
        assert places.read(village.claim).next is None
        assert here(village) == url(addresses.old)
        assert state(served) == "has followed"

    def test_it_is_refused_once_a_device_has_followed(self, served: Served) -> None:
        device = served.claimed_device()
        move(served, "https://relay.example")
        device.hello(move=1)
        with (
            served.relay.database.reading() as session,
            pytest.raises(MoveError, match="kitenge has followed"),
        ):
            moving.undo(session)

    def test_without_a_move_there_is_nothing_to_undo(self, served: Served) -> None:
        with served.relay.database.reading() as session, pytest.raises(MoveError):
            moving.undo(session)


class TestGuide:
    """docs/operator.md, done as it says."""

    def test_moving_a_relay(
        self,
        village: Village,
        served: Served,
        addresses: Addresses,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("MOKANDA_RELAY_URL", url(addresses.old))
        monkeypatch.setenv("MOKANDA_RELAY_DATABASE", served.relay.settings.database)
        monkeypatch.setenv("MOKANDA_RELAY_DATA", str(served.relay.settings.data))
        dry, start = commands_of("Moving a relay", "move start")
        for command in (dry, start):
            to_here = {"https://new.example.org:8443": url(addresses.new)}
            assert main([to_here.get(each, each) for each in command]) == 0
            told = capsys.readouterr()
            assert told.err == ""  # the new address answers
            village.sync()
            assert (places.read(village.claim).next is None) == (command is dry)
        assert main(["move", "list"]) == 0
        assert "not yet" in capsys.readouterr().out
        village.sync()
        assert main(["move", "list"]) == 0
        assert "has followed" in capsys.readouterr().out
        assert main(["move", "undo"]) == 1
        assert "kitenge has followed" in capsys.readouterr().err
        assert main(["device", "add", "kimpese", "--domain", "kimpese.example"]) == 0
        assert url(addresses.new) in capsys.readouterr().out
