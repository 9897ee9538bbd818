# SPDX-License-Identifier: Apache-2.0
"""`make bench-faults N=10000 SEED=1`: let N things go wrong; count mail lost and doubled.

The relay is on SQLite, or with DATABASE=postgresql on that.

A real device (store and courier) and a real relay, each on a small disk of its own, over a real
socket. Most faults are connections cut after a random number of bytes, in either direction: in
the handshake, the hello, a bundle, a reply. Among them both are killed (SIGKILL) at any moment and
between any two writes, their disks are full, their databases locked, their clocks years off,
their histories lost, the device's mail store lost or damaged; two syncs start at once, requests of
before come again in any order, the device's card is restored from an old backup, and a copy of it
comes to life; the relay moves to and fro between two addresses, takes other keys, and is restored
from a copy. Mail goes on being written on both sides. In the end all is left alone, and every mail
must be where it belongs, once. (Letters that were written after a backup may be gone with the card
that it replaces, as are those that were written on a copy; they go to the world once at the most.
With a relay that was restored may be gone what had come in and was not fetched; and what it may
have sent after the copy goes twice, where the device was not told.) That the relay meets what it
has not foreseen, and answers with HTTP 500, ends it at once.

The disks are file systems in memory, mounted for this program alone (`unshare`). What is on them is
kept in build/faults where it does not end well.
"""

from __future__ import annotations

import argparse
import base64
import collections
import http.client
import json
import logging
import os
import random
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_firmware import paths
from mokanda_firmware.backup import archive, contents, switch
from mokanda_firmware.courier import run
from mokanda_firmware.mailbox.administration import housekeeping
from mokanda_firmware.mailbox.store import copies
from mokanda_firmware.mailbox.store import database as stores
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.setup import mend
from mokanda_firmware.uplink import connection as courier_relay
from mokanda_firmware.uplink import places
from mokanda_firmware.uplink.failures import CourierError
from mokanda_relay.operator import devices, moving
from mokanda_relay.relay import Relay, open_relay
from mokanda_relay.store.settings import Settings, read_settings
from mokanda_relay.store.tables import Device, Move, Outgoing
from mokanda_relay.sync import cards, moves
from mokanda_relay.transport.outbox import TRYING, WAITING
from scripts.tools.deadlines import wait_until
from tests import courier_process, postgresql
from tests.bench.corpora import REPOSITORY
from tests.bench.output import say
from tests.faults import FaultyLink, Plan
from tests.relay_process import Conditions, RelayProcess
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.syncing_village import Village, a_village

DOMAIN = "kimpese.example.org"
VILLAGER = f"amina@{DOMAIN}"
DISK = 128  # MiB
YEARS = (-30, -3, 2, 30)
YEAR = 365 * 24 * 3600.0
DATABASE_TIMEOUT = 0.3  # seconds that both ends wait for a database
WRITE_EVERY = 20.0  # seconds
MORTAL = 3000  # steps (tests.crash_points) after which a relay is dead
LAST = 12  # requests of which some come again
REST = 15.0  # seconds before the relay sends a mail of unknown outcome again
EVIDENCE = REPOSITORY / "build" / "faults"
TIDY_EVERY = 5.0  # seconds; what is in the making is done by then
SIZES = (0, 0, 300, 3000, 12_000)  # bytes of a mail's file


@dataclass(frozen=True)
class Request:
    """A request as the relay got it, or would have."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Trial:
    """A village, its relay, the link between them, and all mail written so far."""

    world: SendGridStandIn
    village: Village
    relay: RelayProcess
    folder: Path  # of both disks
    database: sa.Engine  # the relay's, for others than the relay
    links: tuple[FaultyLink, FaultyLink]  # the relay's two addresses
    settings: Settings  # the relay's
    fate: random.Random
    wanted: int  # faults
    out: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # of each mail, by its text
    untaken: list[tuple[str, bytes]] = field(default_factory=list)  # by the relay
    backed_up: int | None = None  # how much of `out` there was when a backup was made
    copied: int | None = None  # the same of the copy that the device keeps of its mail store
    gone: set[str] = field(default_factory=set)  # written after a backup that was restored
    unknowable: set[str] = field(default_factory=set)  # whether it was sent by a relay that is lost
    clock_is_right: bool = True  # the relay's
    requests: collections.deque[Request] = field(
        default_factory=lambda: collections.deque(maxlen=12)
    )
    faults: collections.Counter[str] = field(default_factory=collections.Counter)

    def count(self) -> int:
        """How many faults there were: connections cut or refused, and others."""
        return self.cuts() + self.faults.total()

    def cuts(self) -> int:
        """How many connections were cut or refused."""
        return sum(link.cuts for link in self.links)

    def write(self) -> None:
        """Now and then somebody writes, on either side."""
        if self.fate.random() < 0.15:
            text = f"out {len(self.out)}"
            file = self._file(text)
            with suppress(StoreError):  # the writer is told
                self.village.write(text, files={"file.bin": file} if file else {})
                self.out.append(text)
        if self.fate.random() < 0.15:
            self.back.append(f"back {len(self.back)}")
            self.untaken.append((self.back[-1], self._mail(self.back[-1])))
        if self.fate.random() < 0.05:
            with suppress(StoreError):
                housekeeping.tidy(self.village.store)
        self.post()

    def _file(self, text: str) -> bytes:
        """Choose the file of a mail; the other end may hold it already."""
        if self.files and self.fate.random() < 0.3:
            file = self.fate.choice(list(self.files.values())[-20:])
        else:
            file = self.fate.randbytes(self.fate.choice(SIZES))
        self.files[text] = file
        return file

    def _mail(self, text: str) -> bytes:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "ada@example.org", VILLAGER, "Mbote"
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="example.org")
        mail.set_content(text)
        if file := self._file(text):
            mail.add_attachment(
                file, maintype="application", subtype="octet-stream", filename="file.bin"
            )
        return mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))

    def post(self) -> None:
        """Hand the relay what it has not taken, as SendGrid does; some of it twice."""
        self.world.post_untaken_events()
        for each in list(self.untaken):
            status, _ = self.world.post_inbound(each[1], "ada@example.org", [VILLAGER])
            if status == 200 and self.fate.random() < 0.9:
                self.untaken.remove(each)

    def sync(self) -> None:
        """Sync once; that it fails is what this is about."""
        try:
            self.village.sync()
        except CourierError as error:
            assert "HTTP 500" not in str(error), error

    def step(self) -> None:
        """One fault; and another life for a relay that has died."""
        if not self.relay.lives():
            self.faults["relay killed"] += 1
            self.start_relay()
        self.write()
        name = self.fate.choices(list(_FAULTS), [chance for chance, _ in _FAULTS.values()])[0]
        if name != "cut":
            self.faults[name] += 1
        _FAULTS[name][1](self)

    def start_relay(self, off: float = 0, *, mortal: bool = True) -> None:
        """Start the relay; one day it will die between two writes."""
        self.relay.kill()
        self.clock_is_right = not off
        if off:
            self._forget_copies()  # what came when is not known any more
        death = self.fate.randint(1, MORTAL) if mortal else 0
        while True:
            self.relay.start(Conditions(death, off, DATABASE_TIMEOUT, REST, TIDY_EVERY))
            if self.relay.lives():
                break
            death = self.fate.randint(20, MORTAL)  # it died before it served
        self.world.post_untaken_events()

    def cut(self) -> None:
        """Cut connections, anywhere: each ends the sync, or is made again up to some times."""
        first = places.read(self.village.claim).all()[0].relay
        link = next(each for each in self.links if _url(each) == first)
        for _ in range(min(self.fate.choice((1, 1, 4, 8)), self.wanted - self.count())):
            size = int(self.fate.expovariate(1 / 1200))
            abrupt = self.fate.random() < 0.5
            up = self.fate.random() < 0.5
            plan = Plan(size if up else None, None if up else size, abrupt=abrupt)
            link.plans.append(Plan(refuse=True) if self.fate.random() < 0.03 else plan)
        run.CUTS = len(link.plans)
        self.sync()
        run.CUTS = 1
        link.plans.clear()

    def kill_courier(self) -> None:
        """Kill the courier between two writes, or anywhere."""
        if self.fate.random() < 0.5:
            courier_process.sync(death=self.fate.randint(1, 25))
        else:
            courier_process.sync(kill_after=self.fate.uniform(0.02, 0.3))

    def kill_relay(self) -> None:
        """Kill the relay in the middle of a sync."""
        killer = threading.Timer(self.fate.uniform(0, 0.15), self.relay.kill)
        killer.start()
        self.sync()
        killer.join()

    def lock_store(self) -> None:
        """Somebody else holds the device's store."""
        with self._locked(paths.mail_database()):
            self.sync()

    def lock_relay(self) -> None:
        """Somebody else holds the relay's database, or throws it out."""
        if self.database.dialect.name == "sqlite":
            with self._locked(Path(str(self.database.url.database))):
                self.sync()
        else:
            thrower = threading.Timer(self.fate.uniform(0, 0.1), self._end_connections)
            thrower.start()
            self.sync()
            thrower.join()

    def _end_connections(self) -> None:
        with self.database.connect() as connection:
            connection.execute(sa.text(_END_CONNECTIONS))

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.rollback()

    def fill_device(self) -> None:
        """The device's disk is full."""
        with self._full(paths.data()):
            self.sync()

    def fill_relay(self) -> None:
        """The relay's disk is full."""
        with self._full(self.folder / "relay"):
            self.sync()
            self.post()

    @contextmanager
    def _full(self, folder: Path) -> Iterator[None]:
        filler = folder / "filler"
        room = os.statvfs(folder)
        left = self.fate.choice((0, 1, 5, 20)) * 4096
        try:
            # What others write meanwhile may leave no room for all of this: then it is full, too.
            with filler.open("wb") as file, suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, max(room.f_bavail * room.f_frsize - left, 1))
            yield
        finally:
            filler.unlink()

    def set_device_clock(self) -> None:
        """The device thinks that it is another year."""
        courier_process.sync(off=self.fate.choice(YEARS) * YEAR)

    def set_relay_clock(self) -> None:
        """The relay thinks that it is another year, from now on; sometimes it is right."""
        self.start_relay(self.fate.choice((0, *YEARS)) * YEAR)
        self.sync()

    def lose_history(self) -> None:
        """One end's history is gone."""
        device = sa.create_engine(f"sqlite:///{paths.mail_database()}")
        engine = self.fate.choice((device, self.database))
        with suppress(sa.exc.OperationalError), engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM history"))
        device.dispose()
        self.sync()

    def restore(self) -> None:
        """The device is backed up, or else becomes again what it was at its last backup."""
        backup, copy = self.folder / "backup.tar", self.folder / "mail.db"
        if self.backed_up is not None:
            self.village.store.close()
            _end_agents(paths.keys())
            with backup.open("rb") as file:
                archive.unpack(file, switch.new(), backup.stat().st_size, lambda _: None)
            switch.confirm()
            switch.switch()
            switch.forget()
            self.village.store = Store.of_device()
            self.gone.update(self.out[self.backed_up :])
            self._forget_copies()
        elif self.clock_is_right:
            contents.snapshot(copy)
            files = contents.sources(copy)
            with backup.open("wb") as file:
                archive.write(file, contents.describe(copy, files), files, lambda _: None)
            self.backed_up = len(self.out)
        self.sync()

    def copy_card(self) -> None:
        """The card is copied; or else the copy calls, then both, and the operator chooses."""
        copy = self.folder / "copy"
        if not copy.exists():
            if self.clock_is_right:
                shutil.copytree(paths.data(), copy, ignore=shutil.ignore_patterns("S.*"))
            self.sync()
            return
        with self._living(copy), closing((other := Village(self.village.claim)).store):
            other.accounts = dict(self.village.accounts)
            text = f"out {len(self.out)}"
            other.write(text)
            self.out.append(text)
            self.gone.add(text)
            self.files[text] = b""
        for _ in range(2):
            with self._living(copy):
                courier_process.sync()
            self.sync()
        _end_agents(copy / "keys")
        self._forget_copies()
        self._choose_card()
        self.sync()

    @contextmanager
    def _living(self, copy: Path) -> Iterator[None]:
        """The copy of the card is in use."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MOKANDA_DATA", str(copy))
            yield

    def _choose_card(self) -> None:
        """The operator has the village's own card served."""
        mark = paths.card_mark().read_bytes() if paths.card_mark().exists() else b""
        with Session(self.database) as session, session.begin():
            device = session.scalars(sa.select(Device)).one()
            for each in cards.of_device(session, device):
                if mark and mark in (each.given, each.given_before):
                    cards.choose(session, device, each.id)
                    break

    def move_relay(self) -> None:
        """The relay moves to its other address, takes another key, or takes back its last move."""
        shutil.rmtree(self.folder / "relay-copy", ignore_errors=True)  # it lacks the new key
        relay = open_relay(self.settings)
        try:
            with relay.database.transaction() as session:
                moving.announce(relay, session, self._move(relay, session))
        finally:
            relay.database.close()
            relay.keyring.close()
        self.sync()

    def _move(self, relay: Relay, session: Session) -> Move:
        kind = self.fate.choice(("address", "key", "back"))
        if kind == "key":
            return moving.to_new_key(relay, session)
        if kind == "back":
            with suppress(moving.MoveError):
                return moving.undo(session)
        last = moves.newest(session)
        now = last.relay if last else _url(self.links[0])
        there = next(_url(each) for each in self.links if _url(each) != now)
        return moving.to_address(relay, session, there, relay.certificate.read_text())

    def restore_relay(self) -> None:
        """The relay is copied; or else it becomes again what it was when it was copied."""
        if self.database.dialect.name == "sqlite" and self.clock_is_right:
            data, copy = self.folder / "relay" / "data", self.folder / "relay-copy"
            self.relay.kill()
            _end_agents(data / "keys")
            if copy.exists():
                self._note_what_is_lost()
                shutil.rmtree(data)
                shutil.copytree(copy, data)
                self._forget_copies()
            elif not self._is_sending():
                shutil.copytree(data, copy, ignore=shutil.ignore_patterns("S.*"))
            self.start_relay()
        self.sync()

    def _is_sending(self) -> bool:
        """Whether mail waits for the world: a copy would send it, however often it was sent."""
        with Session(self.database) as session:
            waiting = Outgoing.state.in_((WAITING, TRYING))
            return session.scalar(sa.select(Outgoing.id).where(waiting).limit(1)) is not None

    def _note_what_is_lost(self) -> None:
        """Note which mail goes with the relay, and which nobody knows to have been sent."""
        untaken = {text for text, _ in self.untaken}
        self.gone.update(set(self.back) - untaken - set(self.village.texts("inbox")))
        with self.village.store.reading() as connection:
            for row in connection.execute(
                "SELECT text FROM body JOIN outgoing ON outgoing.message = body.message"
                " JOIN delivery ON delivery.message = body.message"
                " WHERE outgoing.state = 'bundled' OR delivery.state = 'relayed'"
            ):
                self.unknowable.add(row["text"])

    def _forget_copies(self) -> None:
        """Both ends are never restored: what one has forgotten, the other knows."""
        self.backed_up = self.copied = None
        for name in ("copy", "relay-copy"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def damage_store(self) -> None:
        """The device's mail store is copied; or else it is lost, or damaged, and is mended."""
        if self.copied is None:
            if self.clock_is_right:
                shutil.rmtree(paths.store_copies(), ignore_errors=True)
                with suppress(StoreError):
                    copies.look_after(self.village.store)
                    self.copied = len(self.out)
            self.sync()
            return
        self.village.store.close()
        if self.fate.random() < 0.5:
            for file in paths.data().glob("mail.db*"):
                file.unlink()
            self.gone.update(self.out[self.copied :])
            self._forget_copies()
        else:
            self._overwrite(self.fate.choice(("entry_folder", "outgoing_sequence", "history")))
        assert mend.mend()
        self.village.store = Store.of_device()
        self.village.store.attachments.reserve = 0
        self.sync()

    def _overwrite(self, name: str) -> None:
        """Overwrite the first page of an index or a table."""
        with closing(sqlite3.connect(paths.mail_database())) as store:
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            [size] = store.execute("PRAGMA page_size").fetchone()
            [page] = store.execute(
                "SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)
            ).fetchone()
        with paths.mail_database().open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(bytes(size))

    def sync_twice(self) -> None:
        """Two syncs at once."""
        both = [threading.Thread(target=self.sync), threading.Thread(target=courier_process.sync)]
        for each in both:
            each.start()
        for each in both:
            each.join()

    def repeat(self) -> None:
        """Requests of before come again, in any order, before or while the device syncs."""
        again = self.fate.choices([*self.requests][-LAST:], k=self.fate.randint(1, 6))
        thread = threading.Thread(target=self._say_again, args=(again,))
        thread.start()
        if self.fate.random() < 0.5:
            thread.join()
        self.sync()
        thread.join()

    def _say_again(self, requests: list[Request]) -> None:
        url = urlsplit(self.relay.device_url)
        context = ssl._create_unverified_context()
        for request in requests:
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPSConnection(
                    url.hostname or "", url.port, timeout=5, context=context
                )
                with closing(connection):
                    connection.request(request.method, request.path, request.body, request.headers)
                    connection.getresponse().read()

    def keep(self) -> None:
        """Keep what is on the disks, and the relay's log, to find out what went wrong."""
        self.relay.kill()
        shutil.rmtree(EVIDENCE, ignore_errors=True)
        shutil.copytree(self.folder, EVIDENCE, ignore=shutil.ignore_patterns("S.*"))

    def verdict(self) -> tuple[list[str], list[str]]:
        """Let everything arrive; return which mails were lost and doubled, and where."""
        self.start_relay(mortal=False)
        self.post()
        while self.untaken:
            self.post()
        for _ in range(3):
            self.sync()
        self.village.sync()
        with suppress(Exception):
            out = set(self.out) - self.gone
            wait_until(lambda: out <= {each.text for each in self.world.sent}, "mails", 4 * REST)
        self.village.sync()
        ends = (
            ("the world", self.out, [mail.text for mail in self.world.sent]),
            ("sent", self.out, self.village.texts("sent")),
            ("inbox", self.back, self.village.texts("inbox")),
        )
        lost, doubled = [], []
        for end, written, arrived in ends:
            counts = collections.Counter(arrived)
            missing = set(written) - set(arrived) - self.gone
            lost += [f"{end}: {text}" for text in sorted(missing)]
            again = counts - collections.Counter(set(arrived))
            if end == "the world":
                again -= collections.Counter(dict.fromkeys(self.unknowable, 1))
            doubled += [f"{end}: {text}" for text in again.elements()]
            assert set(counts) <= set(written), "mail that nobody wrote"
        for end, files in (("the world", self._files_sent()), ("inbox", self._files_received())):
            lost += [
                f"{end}, its file: {text}" for text in files if files[text] != self.files[text]
            ]
        return lost, doubled

    def _files_sent(self) -> dict[str, bytes]:
        """The file of each mail that the world got, by its text."""
        parts = {mail.text: mail.body.get("attachments", ()) for mail in self.world.sent}
        return {
            text: b"".join(base64.b64decode(part["content"]) for part in parts[text])
            for text in parts
        }

    def _files_received(self) -> dict[str, bytes]:
        """The file of each mail in the inbox, by its text; as far as it is there."""
        files: dict[str, bytes] = {}
        with self.village.store.reading() as connection:
            for text, digest in connection.execute(
                "SELECT body.text, attachment.digest FROM entry"
                " JOIN body ON body.message = entry.message"
                " LEFT JOIN attachment ON attachment.message = entry.message"
                " WHERE folder = 'inbox'"
            ):
                files[text] = b""
                with suppress(FileNotFoundError, TypeError):
                    files[text] = self.village.store.attachments.path(digest).read_bytes()
        return files


# How often among a thousand, and what it is.
_FAULTS: dict[str, tuple[int, Callable[[Trial], None]]] = {
    "cut": (940, Trial.cut),
    "courier killed": (12, Trial.kill_courier),
    "relay killed": (5, Trial.kill_relay),
    "store locked": (5, Trial.lock_store),
    "relay locked": (5, Trial.lock_relay),
    "device full": (8, Trial.fill_device),
    "relay full": (6, Trial.fill_relay),
    "device's clock": (4, Trial.set_device_clock),
    "relay's clock": (3, Trial.set_relay_clock),
    "history lost": (4, Trial.lose_history),
    "card restored": (4, Trial.restore),
    "card copied": (4, Trial.copy_card),
    "relay moved": (6, Trial.move_relay),
    "relay restored": (4, Trial.restore_relay),
    "store damaged": (4, Trial.damage_store),
    "two at once": (4, Trial.sync_twice),
    "repeated": (10, Trial.repeat),
}


# All of PostgreSQL's that are not the one that says so.
_END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@contextmanager
def a_trial(wanted: int, seed: int, kind: str) -> Iterator[Trial]:
    """A claimed village and its relay, on disks of their own."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mokanda-")))
        for name in ("device", "relay"):
            stack.enter_context(_disk(folder / name))
        patch.setattr(run, "CUTS", 1)
        patch.setattr(run, "PAUSE", 0)
        patch.setattr(stores, "BUSY_SECONDS", DATABASE_TIMEOUT)
        world = stack.enter_context(SendGridStandIn())
        environment = {
            "MOKANDA_RELAY_URL": "https://127.0.0.1:1",
            "MOKANDA_INBOUND_SECRET": "secret",
            "SENDGRID_API_KEY": "SG.bench",
            "SENDGRID_HOST": world.url,
            "SENDGRID_EVENT_KEY": world.public_key,
        }
        data = folder / "relay" / "data"
        url = f"sqlite:///{data}/relay.db"
        if kind == "postgresql":
            programs = postgresql.programs()
            assert programs, "PostgreSQL is not installed"
            url = postgresql.new_database(stack.enter_context(postgresql.cluster(programs)))
            environment["MOKANDA_RELAY_DATABASE"] = url
        database = sa.create_engine(url, poolclass=sa.NullPool)
        relay = stack.enter_context(RelayProcess(data, environment))
        world.parse_url = f"{relay.operator_url}/inbound/secret"
        world.events_url = f"{relay.operator_url}/events"
        opened = open_relay(read_settings(environment, data), begin=True)
        claim = devices.add(opened, "kimpese", DOMAIN)
        opened.database.close()
        stack.callback(_end_agents, data / "keys")
        relay.start()
        address = urlsplit(relay.device_url)
        assert address.hostname
        assert address.port
        there = (address.hostname, address.port)
        first, second = (stack.enter_context(FaultyLink(there)) for _ in range(2))
        environment["MOKANDA_RELAY_URL"] = _url(first)
        village = stack.enter_context(a_village(claim, _url(first), folder / "device" / "d", patch))
        stack.callback(_end_agents, paths.keys())
        village.store.attachments.reserve = 0  # the disk itself is to be full
        fate = random.Random(seed)
        settings = read_settings(environment, data)
        links = (first, second)
        trial = Trial(world, village, relay, folder, database, links, settings, fate, wanted)
        patch.setattr(courier_relay, "_Http", _noting(trial.requests))
        village.sync()
        yield trial


def _url(link: FaultyLink) -> str:
    return f"https://127.0.0.1:{link.port}"


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    options = f"size={DISK}m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "mokanda", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _end_agents(home: Path) -> None:
    command = ["gpgconf", "--homedir", str(home), "--kill", "all"]
    subprocess.run(command, check=False, capture_output=True)


def _noting(requests: collections.deque[Request]) -> type[courier_relay._Http]:
    """The courier's HTTP, that keeps what it sends."""

    class Noting(courier_relay._Http):
        def putrequest(self, method: str, url: str, *rest: Any, **named: Any) -> None:  # noqa: ANN401
            self.noted = Request(method, url, {}, b"")
            super().putrequest(method, url, *rest, **named)

        def putheader(self, header: Any, *values: Any) -> None:  # noqa: ANN401
            if header.lower() not in ("host", "content-length"):
                self.noted.headers[header] = str(values[0])
            super().putheader(header, *values)

        def send(self, data: Any) -> None:  # noqa: ANN401
            if not data.startswith(self.noted.method.encode() + b" /"):  # the body
                self.noted = replace(self.noted, body=self.noted.body + data)
            super().send(data)

        def getresponse(self) -> http.client.HTTPResponse:
            requests.append(self.noted)
            return super().getresponse()

        def close(self) -> None:
            if getattr(self, "noted", None) is not None:
                requests.append(self.noted)
            super().close()

    return Noting


def chaos(cuts: int, seed: int, kind: str, write: Callable[[str], None]) -> dict[str, int]:
    """Do so many faults, or as many as there is time for until Ctrl-C; then count the mail."""
    began = told = time.monotonic()
    with a_trial(cuts, seed, kind) as trial:
        stopped: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: stopped.append(number))
        well = False
        try:
            while trial.count() < cuts and not stopped:
                trial.step()
                now = time.monotonic()
                if now > told + WRITE_EVERY:
                    told = now
                    mails = len(trial.out) + len(trial.back)
                    write(f"{now - began:6.0f} s {trial.count():7d} faults {mails:6d} mails")
            done = trial.count()
            trial.faults["cut"] = trial.cuts()
            lost, doubled = trial.verdict()
            well = not (lost or doubled)
        finally:
            if not well:
                trial.keep()
                write(f"what is on the disks is kept in {EVIDENCE}")
        write(", ".join(f"{count} {name}" for name, count in trial.faults.most_common()))
        for text in lost:
            write(f"lost in {text}")
        for text in doubled:
            write(f"doubled in {text}")
        return {"cuts": done, "lost": len(lost), "doubled": len(doubled)}


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(
        prog="make bench-faults",
        description="Chaos for a village.",
    )
    parser.add_argument("--cuts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        # Mounts are this program's alone; the computer's clock is out of its reach.
        root = ["--map-root-user"] if os.geteuid() else []
        alone = ["unshare", "--mount", *root, "setpriv", "--bounding-set", "-sys_time"]
        command = [*alone, sys.executable, "-m", "tests.bench.faults", "--inside", *sys.argv[1:]]
        os.execvp(command[0], command)
    logging.disable()  # what goes wrong is told by millions
    result = chaos(arguments.cuts, arguments.seed, arguments.database, say)
    say(json.dumps(result))
    return 0 if result["lost"] == result["doubled"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
