# SPDX-License-Identifier: Apache-2.0
"""A real relay is killed between any two steps of its work; nothing is lost, nothing is doubled.

Each test does one piece of work against a relay that dies before its first step, then one that dies
before its second, and so on until one lives through it. After each death the relay is started
again, and both ends go on as they do in life: the device says hello, SendGrid posts again.
"""

from __future__ import annotations

import dataclasses
import http.client
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mokanda_relay.operator import devices
from mokanda_relay.relay import open_relay
from mokanda_relay.store.settings import read_settings
from mokanda_wire.claimfile import ClaimFile
from tests.ready_made.relay import write_relay
from tests.relay_device import RefusedByRelay, RelayDevice
from tests.relay_process import Conditions, RelayProcess
from tests.relay_served import INBOUND_SECRET, eventually
from tests.stand_ins.sendgrid import SendGridStandIn

pytest_plugins = ("tests.relay_fixtures",)

BROKEN = (OSError, http.client.HTTPException, RefusedByRelay)
MAX_STEPS = 60


@dataclasses.dataclass
class Bench:
    """A relay whose data can be put back to how they were."""

    process: RelayProcess
    data: Path
    world: SendGridStandIn
    claim: ClaimFile

    def saved(self) -> Path:
        """Keep the data as they are now, but for the keys: an agent of GnuPG's is at home there."""
        copy = self.data.with_name("saved")
        shutil.copytree(self.data, copy, ignore=shutil.ignore_patterns("keys"))
        return copy

    def put_back(self, copy: Path) -> None:
        """Let the data be as they were."""
        self.process.kill()
        for old in self.data.iterdir():
            if old.is_dir() and old.name != "keys":
                shutil.rmtree(old)
            elif old.is_file():
                old.unlink()
        shutil.copytree(copy, self.data, dirs_exist_ok=True)
        self.world.sent.clear()

    def lives_through(self, work: Callable[[], None], step: int) -> bool:
        """Do the work with a relay that dies before this step; returns whether it came so far.

        Another relay runs after that, one that does not die.
        """
        self.process.start(Conditions(death=step))
        lived = True
        try:
            work()
        except BROKEN:
            lived = False
        lived = lived and self.process.lives()
        self.process.kill()
        self.process.start()
        return lived

    def post_mail(self) -> bool:
        """Post a mail from the world, the same each time; returns whether it was taken."""
        raw = b"From: ada@example.org\r\nSubject: Once\r\n\r\nHello"
        return self.world.post_inbound(raw, "ada@example.org", ["amina@kitenge.example"])[0] == 200

    def make_due(self) -> None:
        """Let the time pass that a mail of unknown outcome rests."""
        with closing(sqlite3.connect(self.data / "relay.db", timeout=30)) as database, database:
            database.execute("UPDATE outgoing SET due = '2000-01-01 00:00:00.000000'")

    def outbox(self) -> list[str]:
        """The states of the mails in the outbox."""
        with closing(sqlite3.connect(self.data / "relay.db", timeout=30)) as database:
            return [state for (state,) in database.execute("SELECT state FROM outgoing")]


@pytest.fixture
def bench(tmp_path: Path, world: SendGridStandIn) -> Iterator[Bench]:
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
    with RelayProcess(data, environment) as process:
        world.parse_url = f"{process.operator_url}/inbound/{INBOUND_SECRET}"
        yield Bench(process, data, world, claim._replace(relay=process.device_url))
    relay.keyring.close()


@pytest.fixture
def device(bench: Bench, tmp_path: Path) -> Iterator[RelayDevice]:
    """A device that has claimed itself and told its villagers."""
    made = RelayDevice(bench.claim, tmp_path / "device")
    bench.process.start()
    made.claim()
    made.freeze()
    made.sync()
    made.disconnect()
    bench.process.kill()
    yield made
    made.close()


def test_a_claim(bench: Bench, tmp_path: Path) -> None:
    fresh = bench.saved()
    for step in range(1, MAX_STEPS):
        bench.put_back(fresh)
        device = RelayDevice(bench.claim, tmp_path / f"device-{step}")

        def work(device: RelayDevice = device) -> None:
            device.claim()
            device.hello()

        lived = bench.lives_through(work, step)
        device.disconnect()
        if not lived:
            work()
        device.close()
        if lived:
            return
    pytest.fail("the work has more steps than were tried")


@pytest.mark.long
def test_a_mail_out(bench: Bench, device: RelayDevice) -> None:
    before = bench.saved()
    memory = vars(device).copy()

    def work() -> None:
        device.sync()
        eventually(
            lambda: not bench.process.lives() or bench.outbox() == ["sent"], "the mail is sent"
        )

    for step in range(1, MAX_STEPS):
        bench.put_back(before)
        vars(device).update(memory, events=[], mails=[], _connection=None)
        device.freeze(device.message("ada@example.org", "Once"))
        lived = bench.lives_through(work, step)
        device.disconnect()
        if not lived:
            device.sync()
        # Whatever this relay does, it has done before it is judged: no request is cut short here.
        eventually(lambda: bench.outbox() != ["waiting"], "the mail is taken up")
        bench.process.stop()
        bench.process.start()
        device.disconnect()
        # SendGrid's events of what it has taken arrive, again and again, while the mail rests.
        bench.world.finish_requests()
        bench.world.events_url = f"{bench.process.operator_url}/events"
        for sent in list(bench.world.sent):
            event = bench.world.event(sent, "ada@example.org", "delivered")
            assert bench.world.post_events([event]) == 200
        bench.world.events_url = ""
        if bench.outbox() != ["sent"]:
            bench.process.kill()
            bench.make_due()
            bench.process.start(Conditions(rest=4))  # longer than a request takes
            device.disconnect()
        eventually(lambda: bench.outbox() == ["sent"], "the mail is sent")
        device.sync()
        assert [sent.text for sent in bench.world.sent] == ["Once"], f"killed before step {step}"
        assert device.told()["ada@example.org"][0] == "sent"
        assert len(device.events) == len({each.kind for each in device.events})
        if lived:
            return
    pytest.fail("the work has more steps than were tried")


@pytest.mark.long
def test_a_mail_in(bench: Bench, device: RelayDevice) -> None:
    before = bench.saved()
    memory = vars(device).copy()

    def work() -> None:
        if not bench.post_mail():
            raise ConnectionError("SendGrid tries again later")
        device.sync()

    for step in range(1, MAX_STEPS):
        bench.put_back(before)
        vars(device).update(memory, events=[], mails=[], _connection=None)
        lived = bench.lives_through(work, step)
        device.disconnect()
        if not lived:
            work()
        assert [each.message.subject for each in device.mails] == ["Once"], f"step {step}"
        reply = device.hello()
        assert reply.history_agrees
        assert reply.down is None
        if lived:
            return
    pytest.fail("the work has more steps than were tried")


def test_sigterm_ends_it_cleanly_in_the_middle_of_an_upload(
    bench: Bench, device: RelayDevice
) -> None:
    bench.process.start()
    pending = device.freeze(device.message("ada@example.org", "x1y2z3" * 3000))
    device.hello()
    connection = device.connect()
    connection.putrequest("PUT", f"/v1/up/{pending.sealed.sequence}")
    for name, value in (
        ("Content-Length", pending.sealed.size),
        ("Token", device.token),
        ("Offset", 0),
    ):
        connection.putheader(name, str(value))
    connection.endheaders()
    connection.send(pending.data[:50])
    uploads = bench.data / "uploads"
    eventually(lambda: [each.stat().st_size for each in uploads.iterdir()] == [50], "the bytes")
    code, seconds = bench.process.stop()
    assert code == 0
    assert seconds < 10  # it waits two seconds at most for those at work
    device.disconnect()
    bench.process.start()
    assert device.hello().up_offset == 50
    device.upload(50)
