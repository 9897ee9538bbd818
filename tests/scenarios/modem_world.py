# SPDX-License-Identifier: Apache-2.0
"""A simulated operator: sticks, SIM cards, networks and whoever wants a connection, from a file.

The real daemon runs over pseudo-terminals and its real socket, with its real threads; its clock is
this world's, which goes from one thing that happens to the next. Played are udev and pppd.
"""

import contextlib
import heapq
import json
import os
import re
import select
import socket
import threading
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import count, groupby
from pathlib import Path
from typing import Any, Self

import pytest
import serial

from mokanda_firmware import paths, relaytime
from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus, ModemStatus, WebmailStatus
from mokanda_firmware.modem import (
    apn,
    calls,
    last_rung,
    lot,
    messages,
    network_card,
    networks,
    orders,
    readings,
)
from mokanda_firmware.modem.apn import AccessPoint
from mokanda_firmware.modem.calls import CallRecord
from mokanda_firmware.modem.daemon import Daemon
from mokanda_firmware.modem.hilink import page
from mokanda_firmware.modem.readings import Reading
from mokanda_firmware.modem.stick import Stick
from mokanda_firmware.uplink.interface import Lease
from tests.stand_ins.hilink import HiLink
from tests.stand_ins.messages import delivered
from tests.stand_ins.stepped_modem import SteppedModem

_FOLDER = Path(__file__).parent / "modem"
_TRANSCRIPTS = Path(__file__).with_name("transcripts.toml")
_MOST_WAITS = 100_000
_WATCHDOG = 300  # seconds, as in mokanda-modem.service
_STOPS = 25  # seconds that the daemon may take to end; systemd gives it 90
_CLOSED = 1  # a port at which nobody listens
_START = 1000.0  # what the clock shows when the world begins


@dataclass(frozen=True)
class Scenario:
    """What happens at which second, and what must come of it.

    Attributes:
        title: what it is about.
        events: each with `at`, and what happens then to the stick that it names.
        seconds: how long it lasts.
        ends: the state that it ends in.
        says: what is among the last words of the daemon.
        by: the state that must have been published by which second.
        passes: states that are published, in this order, others between them.
        never: states that are not published.
        never_sent: patterns of what no stick is ever asked.
        replies: for each request, the interface or a part of the refusal.
        dials: at most so many.
        apns: the access points that pppd was started for.
        enumerated: how often the stick was enumerated again.
        restarts: how often the device is restarted.
        asked: at most so many commands are sent.
        passes_no_credit: whether there was a sign of missing credit, one after the other.
        balances: the readings of the balance that are kept: what each has among others.
        texts: the messages that the keeper can read in the end, the newest first.
        orders: what came of the last orders, the newest first.
        counts: patterns of commands, and how often they are sent.
        calls: what is kept of the calls, the latest first: what each has among others.
        sent: patterns of what a stick is asked.
        facts: what the last status tells; "none" is None.
        answers_within: seconds in which every request is answered.
    """

    title: str
    events: list[dict[str, Any]]
    seconds: float = 120
    ends: str = "ready"
    says: str = ""
    by: dict[str, float] = field(default_factory=dict)
    passes: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    never_sent: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    replies: list[str] | None = None
    dials: int | None = None
    apns: list[str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    balances: list[dict[str, Any]] | None = None
    texts: list[str] | None = None
    passes_no_credit: list[bool] | None = None
    orders: list[str] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    answers_within: float | None = None
    enumerated: int | None = 0
    restarts: int = 0
    asked: int | None = None
    calls: list[dict[str, Any]] | None = None

    @classmethod
    def read(cls, path: Path) -> list[Self]:
        """Return what a file tells: with `each`, once for each of its values, in place of @."""
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text.replace("@", "0")).pop("each", None)
        if values is None:
            return [cls(**tomllib.loads(text))]
        scenarios = []
        for value in values:
            content = tomllib.loads(text.replace("@", value))
            del content["each"]
            scenarios.append(cls(**content))
        return scenarios


SCENARIOS = [each for path in sorted(_FOLDER.glob("*.toml")) for each in Scenario.read(path)]


def transcripts() -> Iterator[Scenario]:
    """Each of what modems answer, byte for byte, as a scenario of one stick that is plugged in."""
    content = tomllib.loads(
        _TRANSCRIPTS.read_text(encoding="utf-8").replace("@LONG@", "x" * 10_000)
    )
    for each in content["transcript"]:
        plug = {"raw": each.get("raw", {}), **each.get("set", {})}
        yield Scenario(
            each["what"],
            [{"at": 1, "plug": plug}],
            seconds=130,
            ends=each["ends"],
            says=each.get("says", ""),
            never_sent=[r"AT\+CPIN=", "ATD"],
            facts=each.get("facts", {}),
        )


class Waiter:
    """A thread that waits for its turn: until something is readable, or its time is over."""

    def __init__(self, descriptors: Collection[int], deadline: float) -> None:
        self.deadline = deadline
        self.ready: set[int] = set()
        self.turn = threading.Event()
        self._poller = select.poll()
        for descriptor in descriptors:
            self._poller.register(descriptor, select.POLLIN)

    def is_waked(self, now: float) -> bool:
        self.ready = {descriptor for descriptor, _ in self._poller.poll(0)}
        return bool(self.ready) or now >= self.deadline


class World:
    """Clock, udev, pppd and the other daemons."""

    def __init__(self) -> None:
        self.sticks: dict[str, SteppedModem] = {}
        self.shown: dict[str, Stick] = {}
        self.published: list[tuple[float, ModemStatus]] = []
        self.replies: list[str] = []
        self.dials: list[float] = []
        self.apns: list[str] = []
        self.waited: list[float] = []  # seconds of each request for its answer
        self.enumerated = 0
        self.waits = 0
        self.commands: list[str] = []
        self.texts: list[str] = []
        self.orders: list[str] = []
        self.restarts = 0
        self.opened: list[int] = []
        self.alive_at = _START
        self.longest_silence = 0.0
        self.stopped_at: float | None = None
        self.seconds_to_stop = 0.0
        self._now = _START
        self._waiters: list[Waiter] = []
        self._order = count()
        self._happenings: list[tuple[float, int, Callable[[], None]]] = []
        self._written: dict[str, int] = {}
        self._waiting: list[socket.socket] = []
        self._asked_at: dict[socket.socket, float] = {}
        self._calls: dict[str, WorldCall] = {}
        self.hilink: HiLink | None = None  # at the gateway of the network cards
        self._cards: dict[str, Card] = {}
        self._interfaces: list[WorldInterface] = []
        self._bell, self._ringer = os.pipe()

    # The clock

    def now(self) -> float:
        return self._now

    def wait(self, descriptors: Collection[int], seconds: float | None) -> set[int]:
        """Wait, while others have their turn; time passes when all of them wait."""
        self.waits += 1
        if self.waits > _MOST_WAITS:
            raise AssertionError("the daemon spins")
        deadline = float("inf") if seconds is None else self._now + max(0.0, seconds)
        waiter = Waiter(descriptors, deadline)
        self._waiters.append(waiter)
        if (following := self._next_turn()) is not waiter:
            following.turn.set()
            waiter.turn.wait()
        return waiter.ready

    def begin(self, work: Callable[[], None]) -> None:
        waiter = Waiter((), self._now)

        def work_in_turn() -> None:
            waiter.turn.wait()
            work()
            self._next_turn().turn.set()

        self._waiters.append(waiter)
        threading.Thread(target=work_in_turn, daemon=True).start()

    @contextlib.contextmanager
    def others_meanwhile(self) -> Iterator[None]:
        yield

    def _next_turn(self) -> "Waiter":
        """Return whose turn it is: the first whom something has waked."""
        while True:
            self._settle()
            for waiter in self._waiters:
                if waiter.is_waked(self._now):
                    self._waiters.remove(waiter)
                    return waiter
            at = min(each.deadline for each in self._waiters)
            if not self._happenings or self._happenings[0][0] > at:
                self._now = at
                continue
            at, _, happen = heapq.heappop(self._happenings)
            self._now = max(self._now, at)
            happen()

    def later(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._happenings, (self._now + seconds, next(self._order), happen))

    def _settle(self) -> None:
        """Let the sticks take in what was written, and take what was published and replied."""
        for modem in list(self.sticks.values()):
            for path in modem.paths:
                if not modem.pulled:
                    modem.take(path, self._written.get(path, 0))
        if self.stopped_at is not None:
            return
        status = ModemStatus.read()
        if status is not None and (not self.published or self.published[-1][1] != status):
            self.published.append((self._now - _START, status))
        for connection in list(self._waiting):
            self._hear(connection)

    def _hear(self, connection: socket.socket) -> None:
        try:
            answer = json.loads(connection.recv(65536) or b'{"error": null}')
        except BlockingIOError:
            return
        connection.close()
        self._waiting.remove(connection)
        self.waited.append(self._now - self._asked_at.pop(connection))
        if "error" in answer:
            self.replies.append(str(Sentence.from_json(answer["error"])))
        else:
            fields = answer["fields"]
            told = fields.get("order", fields)
            self.replies.append(str(told.get("interface", told.get("text", ""))))

    def wrote(self, path: str, length: int) -> None:
        self._written[path] = self._written.get(path, 0) + length

    # systemd

    def notify(self, *_: str) -> None:
        self.longest_silence = max(self.longest_silence, self._now - self.alive_at)
        self.alive_at = self._now

    # udev

    def fileno(self) -> int:
        return self._bell

    def drain(self) -> None:
        os.read(self._bell, 100)

    def list_sticks(self) -> list[Stick]:
        return [self.shown[name] for name in sorted(self.shown)]

    def restart_device(self) -> None:
        self.restarts += 1

    def _ring(self) -> None:
        os.write(self._ringer, b"!")

    # pppd

    def start_call(self, device: str, access_point: AccessPoint, *, carrier: bool) -> "WorldCall":  # noqa: ARG002
        modem = next(each for each in self.sticks.values() if device in each.paths)
        self.apns.append(access_point.name)
        return WorldCall(self, modem)

    # What happens

    def stop(self, daemon: Daemon) -> None:
        """Systemd's SIGTERM: what comes after it is not judged, but that it ends."""
        self.stopped_at = self._now
        daemon.end()

    def stopped(self) -> None:
        assert self.stopped_at is not None
        self.seconds_to_stop = self._now - self.stopped_at

    def play(self, scenario: Scenario) -> None:
        for event in scenario.events:
            self.later(float(event["at"]), partial(self._happen, event))

    def _happen(self, event: dict[str, Any]) -> None:
        name = event.get("stick", "a")
        if "plug" in event:
            self._plug(name, event["plug"])
        if "set" in event:
            self._set(self.sticks[name], event["set"])
        for text in event.get("say", []):
            self.sticks[name].speak(text)
        for text in event.get("direct", []):
            self.sticks[name].speak(f"\r\n+CMT: ,20\r\n{delivered(*text)}\r\n")
        for key, value in event.get("hilink", {}).items():
            if self.hilink is None or not hasattr(self.hilink, key):
                raise ValueError(f"a HiLink has no {key}")
            if key == "receive":
                self.hilink.receive(value)
                continue
            setattr(self.hilink, key, value.encode() if key == "raw" else value)
        if "card" in event:
            self._set_card(**event["card"])
        if event.get("pull"):
            self._pull(name)
        if "seen_late" in event:
            self.sticks[name].pull()
            self._drop_calls()
            self.later(event["seen_late"], partial(self._show_no_more, name))
        if "pull_at" in event:
            self._pull_at(name, event["pull_at"])
        if "storm" in event:
            storm = event["storm"]
            for number in range(storm["times"]):
                self.sticks[name].speak(storm["say"], number * storm["every"])
        if "show" in event:
            self.shown[name] = self.shown[name]._replace(ports=self.sticks[name].paths)
            self._ring()
        for number in range(event.get("times", 1) - 1):
            again = {key: value for key, value in event.items() if key != "times"}
            self.later((number + 1) * event["every"], partial(self._happen, again))
        if event.get("drop"):
            self._drop_calls()
        if "courier" in event:
            CourierStatus(CourierState(event["courier"])).publish()
        for unit, state in event.get("units", {}).items():
            paths.status(unit).write_text(json.dumps({"state": state}), encoding="ascii")
        if event.get("visit"):
            WebmailStatus(self._now).publish()
        if "relay_says" in event:
            relaytime.remember(datetime.fromisoformat(event["relay_says"]))
        for verb in _VERBS:
            if verb in event:
                arguments = event[verb] if isinstance(event[verb], dict) else {}
                if verb in _NUMBERED and (status := ModemStatus.read()):
                    form = {
                        "number": status.next_order,
                        "card": networks.card(status.imsi),
                        "menu": 0,
                    }
                    arguments = form | arguments
                self._request(verb, arguments)
        if event.get("leave"):
            for connection in self._waiting:
                connection.close()
            self._waiting.clear()

    def _plug(self, name: str, what: dict[str, Any]) -> None:
        modem = SteppedModem(self.now, self.later, what.get("ports", 1))
        modem.on_command = self._count
        if name in self.sticks:
            self.sticks[name].pull()
        self._set(modem, {key: value for key, value in what.items() if key not in _OF_STICK})
        self.sticks[name] = modem
        self._written.update(dict.fromkeys(modem.paths, 0))
        self.shown[name] = Stick(
            f"/sys/devices/{name}",
            what.get("name", "HUAWEI Mobile"),
            () if what.get("hidden") else modem.paths,
            tuple(what.get("cards", ())),
        )
        for card in what.get("cards", ()):
            self._cards[card] = Card(carrier=what.get("carrier", True))
            if what.get("leases", True):
                self.later(2, partial(self._set_card, card, address=True))
        self._ring()

    def _set_card(self, name: str, **values: bool) -> None:
        """Change a card, and have the kernel tell."""
        self._cards[name] = replace(self._cards[name], **values)
        for interface in self._interfaces:
            interface.ring()

    def _set(self, modem: SteppedModem, values: dict[str, Any]) -> None:
        for key, value in values.items():
            if key == "texts":
                free = max(modem.messages, default=0) + 1
                modem.messages |= {free + at: delivered(*each) for at, each in enumerate(value)}
                continue
            if key == "memories":
                modem.memories = {
                    name: {at: delivered(*each) for at, each in enumerate(texts, 1)}
                    for name, texts in value.items()
                }
                continue
            if not hasattr(modem, key):
                raise ValueError(f"a stick has no {key}")
            setattr(modem, key, value)

    def _pull(self, name: str) -> None:
        self.sticks[name].pull()
        self._show_no_more(name)

    def _show_no_more(self, name: str) -> None:
        del self.shown[name]
        self._ring()

    def _drop_calls(self) -> None:
        for call in list(self._calls.values()):
            call.drop(16)

    def is_there(self, stick: Stick) -> bool:
        """Whether the kernel has it, whatever udev knows."""
        return not self.sticks[Path(stick.path).name].pulled

    def _pull_at(self, name: str, command: str) -> None:
        modem = self.sticks[name]

        def pull(line: str) -> None:
            self._count(line)
            if line.startswith(command) and not modem.pulled:
                self._pull(name)

        modem.on_command = pull

    def _count(self, command: str) -> None:
        self.commands.append(command)
        if command.upper().startswith("ATD"):
            self.dials.append(self._now - _START)

    def _request(self, verb: str, arguments: dict[str, Any]) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(str(paths.requests("modem")))
        connection.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode())
        connection.setblocking(False)
        self._waiting.append(connection)
        self._asked_at[connection] = self._now

    def close(self) -> None:
        for modem in self.sticks.values():
            modem.pull()
        for connection in self._waiting:
            connection.close()
        for descriptor in (self._bell, self._ringer, *self.opened):
            os.close(descriptor)


@dataclass
class Card:
    """A network card: whether there is another end, and whether that has given an address."""

    carrier: bool
    address: bool = False


class WorldInterface:
    """What the kernel tells of a network card."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self._world = world
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        world._interfaces.append(self)

    def fileno(self) -> int | None:
        return self._reader if self in self._world._interfaces else None

    def ring(self) -> None:
        os.write(self._writer, b"!")

    def drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 100)

    def has_carrier(self) -> bool:
        return self._world._cards[self.name].carrier

    def lease(self) -> Lease | None:
        card = self._world._cards[self.name]
        return Lease("127.0.0.1", "127.0.0.1") if card.carrier and card.address else None

    def close(self) -> None:
        if self in self._world._interfaces:
            self._world._interfaces.remove(self)
            os.close(self._reader)
            os.close(self._writer)


_VERBS = (
    *("connect", "disconnect", "look", "configure", "pin", "puk", "ussd"),
    *("balance", "configure_balance", "order", "sell"),
)
_NUMBERED = {"pin", "puk", "ussd", "order"}
_OF_STICK = {"ports", "name", "cards", "hidden", "carrier", "leases"}


class WorldCall:
    """What pppd makes of a call."""

    def __init__(self, world: World, modem: SteppedModem) -> None:
        self.interface = ""
        self.up = False
        self.ended = False
        self._up_at: float | None = None
        self._seconds = 0  # that it was up
        self._world = world
        self._modem = modem
        self._status = 0
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        world.opened += [self._reader, self._writer]
        world._calls[modem.paths[0]] = self
        plan = modem.link.pop(0) if len(modem.link) > 1 else modem.link[0]
        outcome, _, after = plan.partition(" ")
        if outcome == "up":
            world.later(2, self._come_up)
            if after:
                world.later(2 + float(after), lambda: self.drop(16))
        elif outcome == "login":
            world.later(3, lambda: self.drop(19))
        elif outcome == "lcp":
            world.later(30, lambda: self.drop(10))

    @property
    def login_refused(self) -> bool:
        return self._status == 19

    def fileno(self) -> int:
        return self._reader

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 100)

    def hang_up(self, timeout: float = 10) -> None:  # noqa: ARG002
        self._finish(5)

    def traffic(self) -> tuple[int, int]:
        """A network that sends 100 bytes in a second, and is sent 10."""
        return self._seconds * 10, self._seconds * 100

    def reason(self) -> Sentence:
        return Sentence(
            "The connection program pppd ended with status {status}.", status=self._status
        )

    def drop(self, status: int) -> None:
        if not self.ended:
            os.write(self._writer, b"!")
            self._finish(status)

    def _come_up(self) -> None:
        if not self.ended and self._modem.in_call:
            self.interface, self.up = "ppp0", True
            self._up_at = self._world.now()
            os.write(self._writer, b"!")

    def _finish(self, status: int) -> None:
        if not self.ended:
            self.ended = True
            self._status = status
            if self._up_at is not None:
                self._seconds = round(self._world.now() - self._up_at)
            self._modem.end_call()
            self._world._calls.pop(self._modem.paths[0], None)


@dataclass
class Outcome:
    """What a scenario came to."""

    world: World
    wrong: list[str]


def play(scenario: Scenario, folder: Path) -> Outcome:
    """Play a scenario in an empty folder, and judge it."""
    world = World()
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as served:
        patch.setattr(page, "PORT", _CLOSED)
        if any("hilink" in event for event in scenario.events):
            world.hilink = HiLink()
            patch.setattr(page, "PORT", served.enter_context(world.hilink.served()))
        patch.setenv("MOKANDA_RUN", str(folder / "run"))
        patch.setenv("MOKANDA_DATA", str(folder / "data"))
        (folder / "data").mkdir(parents=True)
        patch.setattr(serial, "Serial", _counted(world))
        patch.setattr(service, "notify", world.notify)
        patch.setenv("WATCHDOG_USEC", str(_WATCHDOG * 1_000_000))
        patch.setattr(apn, "PROVIDERS", folder / "none.xml")
        patch.setattr(network_card, "Interface", partial(WorldInterface, world))
        patch.setattr(Stick, "enumerate_again", lambda stick: _enumerate(world, stick))
        patch.setattr(Stick, "is_there", lambda stick: world.is_there(stick))
        requests = Requests("modem")
        patch.setattr(lot, "new_number", count(1).__next__)
        patch.setattr(last_rung, "restart_device", world.restart_device)
        world.play(scenario)
        daemon = Daemon(_Watch(world), requests, world, world.start_call)
        world.later(scenario.seconds, partial(world.stop, daemon))
        try:
            daemon.run()
            world.stopped()
        finally:
            requests.close()
            world.close()
        world.texts = [each.text for each in messages.read()]
        world.orders = [each.text or str(each.said or "") for each in orders.read()]
        wrong = [*_judge(scenario, world), *_judge_calls(scenario, calls.last())]
        wrong += _judge_balances(scenario, readings.history())
    return Outcome(world, wrong)


class _Watch:
    def __init__(self, world: World) -> None:
        self.fileno = world.fileno
        self.drain = world.drain
        self.sticks = world.list_sticks


def _enumerate(world: World, stick: Stick) -> None:
    """The kernel drops the stick and finds it anew: it hangs no longer."""
    world.enumerated += 1
    name = next(name for name, each in world.shown.items() if each.path == stick.path)
    world.sticks[name].cure()
    shown = world.shown.pop(name)
    world._ring()

    def back() -> None:
        world.shown[name] = shown
        world._ring()

    world.later(2, back)


def _counted(world: World) -> type[serial.Serial]:
    class Counted(serial.Serial):
        def write(self, data: Any, /) -> int | None:  # noqa: ANN401 - a buffer
            written = super().write(data)
            world.wrote(str(self.port), written or 0)
            return written

    return Counted


def _judge(scenario: Scenario, world: World) -> Iterator[str]:
    states = [status.state.value for _, status in world.published]
    last = world.published[-1][1]
    if states[-1] != scenario.ends:
        yield f"ends {states[-1]} ({last.detail}), not {scenario.ends}"
    if scenario.says not in str(last.detail):
        yield f"says {last.detail}"
    for state, second in scenario.by.items():
        first = next((at for at, status in world.published if status.state == state), None)
        if first is None or first > second:
            yield f"{state} at {first}, not by {second}"
    if world.longest_silence > _WATCHDOG:
        yield f"would be ended by systemd after {world.longest_silence:g} seconds"
    if world.seconds_to_stop > _STOPS:
        yield f"takes {world.seconds_to_stop:g} seconds to stop"
    passed = iter(states)
    for state in scenario.passes:
        if state not in passed:
            yield f"does not pass {state}: {states}"
            break
    yield from (f"is {state}" for state in scenario.never if state in states)
    asked = world.hilink.asked if world.hilink else []
    sent = [*world.commands, *asked]
    for pattern in scenario.never_sent:
        yield from (f"sends {command}" for command in sent if re.match(pattern, command))
    signs = [bool(status.no_credit) for _, status in world.published]
    changes = [sign for sign, _ in groupby(signs)]
    if scenario.passes_no_credit not in (None, changes):
        yield f"credit is missing: {changes}"
    if scenario.texts is not None and world.texts != scenario.texts:
        yield f"messages {world.texts}"
    if scenario.orders is not None and world.orders != scenario.orders:
        yield f"orders {world.orders}"
    for pattern, times in scenario.counts.items():
        if (found := sum(bool(re.match(pattern, command)) for command in sent)) != times:
            yield f"sends {pattern} {found} times"
    for pattern in scenario.sent:
        if not any(re.match(pattern, command) for command in sent):
            yield f"does not send {pattern}"
    if scenario.replies is None:
        pass
    elif len(world.replies) != len(scenario.replies) or any(
        part not in reply for part, reply in zip(scenario.replies, world.replies, strict=False)
    ):
        yield f"replies {world.replies}"
    longest = longest_wait(world)
    if scenario.answers_within is not None and longest > scenario.answers_within:
        yield f"answers after {longest:g} seconds"
    if scenario.dials is not None and len(world.dials) > scenario.dials:
        yield f"dials {len(world.dials)} times"
    if scenario.enumerated not in (None, world.enumerated):
        yield f"is enumerated {world.enumerated} times"
    if scenario.restarts != world.restarts:
        yield f"restarts the device {world.restarts} times"
    if scenario.asked is not None and len(sent) > scenario.asked:
        yield f"asks {len(sent)} times"
    if scenario.apns is not None and world.apns != scenario.apns:
        yield f"dials {world.apns}"
    for name, value in scenario.facts.items():
        expected = None if value == "none" else tuple(value) if isinstance(value, list) else value
        if getattr(last, name) != expected:
            yield f"{name} is {getattr(last, name)!r}"


def longest_wait(world: World) -> float:
    """Return the longest wait of a request for its answer, in seconds."""
    return max(world.waited, default=0.0)


def _judge_calls(scenario: Scenario, kept: Sequence[CallRecord]) -> Iterator[str]:
    if scenario.calls is None:
        return
    if len(scenario.calls) != len(kept):
        yield f"keeps {len(kept)} calls: {kept}"
    for expected, call in zip(scenario.calls, kept, strict=False):
        for name, value in expected.items():
            found = str(call.trouble or "") if name == "trouble" else getattr(call, name)
            if found != value and not (value and name == "trouble" and value in found):
                yield f"keeps a call whose {name} is {found!r}"


def _judge_balances(scenario: Scenario, kept: Sequence[Reading]) -> Iterator[str]:
    if scenario.balances is None:
        return
    if len(scenario.balances) != len(kept):
        yield f"keeps {kept}"
    for expected, reading in zip(scenario.balances, kept, strict=False):
        for name, value in expected.items():
            found = getattr(reading, name)
            if found != (None if value == "none" else value):
                yield f"keeps a balance whose {name} is {found!r}"
