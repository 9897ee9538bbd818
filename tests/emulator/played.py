# SPDX-License-Identifier: Apache-2.0
"""The scenarios of `tests/scenarios` on the board: its own kernel, udev, systemd, pppd and clock.

Events come in their order. None waits for its time: each comes once the one before it is dealt
with, or has had the seconds that the scenario gives it. What is judged does not hang on a clock:
how it ends, replies, dials, what a stick is asked how often, why calls ended, and how often a stick
is enumerated.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mokanda_firmware.bus.sentences import Sentence
from scripts.tools.deadlines import DeadlineError, wait_until
from tests.emulator.emulated_village import EmulatedVillage
from tests.scenarios.modem_world import Scenario
from tests.stand_ins.modem import Modem

_FOLDER: Final = Path(__file__).parents[1] / "scenarios" / "modem"
_VERBS: Final = ("connect", "disconnect", "configure", "pin")


def play(village: EmulatedVillage, name: str) -> list[str]:
    """Play a scenario; return what does not come as it has to."""
    [scenario] = Scenario.read(_FOLDER / f"{name}.toml")
    stage = _Stage(village)
    ends = [*(float(event["at"]) for event in scenario.events[1:]), scenario.seconds]
    for event, end in zip(scenario.events, ends, strict=True):
        with contextlib.suppress(DeadlineError):
            stage.happen(event, end - float(event["at"]))
    return list(stage.judge(scenario))


class _Stage:
    """The sticks of a scenario, and what the board makes of them."""

    def __init__(self, village: EmulatedVillage) -> None:
        self._board, self._shell, self._network = village.board, village.shell, village.network
        self._sockets = {"a": village.board.modem_socket}
        self._sticks: dict[str, Modem] = {}
        self._commands: list[str] = []
        self._replies: list[str] = []

    def happen(self, event: dict[str, Any], seconds: float) -> None:
        """Have something happen, and wait until it is dealt with; raises DeadlineError."""
        name = event.get("stick", "a")
        if "set" in event:
            self._set(self._sticks[name], event["set"])
        if "plug" in event:
            self._plug(name, event["plug"])
            wait_until(self._has_started, "the stick", seconds)
        if event.get("pull"):
            self._sticks[name].unplug()
            wait_until(lambda: self._state() == "absent", "the end of the stick", seconds)
        for verb in _VERBS:
            if verb in event:
                self._request(verb, event[verb] if isinstance(event[verb], dict) else {})

    def _plug(self, name: str, values: dict[str, Any]) -> None:
        if name not in self._sockets:
            self._sockets[name] = self._board.add_serial_port(f"stick-{name}")
        stick = self._sticks[name] = Modem(self._network)
        stick.commands = self._commands
        self._set(stick, values)
        stick.plug_into_socket(self._sockets[name])

    def _set(self, stick: Modem, values: dict[str, Any]) -> None:
        for key, value in values.items():
            if key == "link":
                stick.password = {"up": None, "login": "of somebody else"}[value[0]]
            elif hasattr(stick, key):
                setattr(stick, key, value)
            else:
                raise ValueError(f"a stick on the board has no {key}")

    def _has_started(self) -> bool:
        return self._state() not in ("absent", "starting")

    def _state(self) -> str:
        return str(self._shell.status("modem").get("state"))

    def _request(self, verb: str, arguments: dict[str, Any]) -> None:
        """Ask the daemon, as the board's other daemons do, and wait for what it says."""
        if verb == "pin":
            arguments = {"number": self._shell.status("modem")["next_order"]} | arguments
        unit = f"asked-{len(self._replies)}"
        self._shell.request_beside(unit, "modem", verb, **arguments)
        wait_until(lambda: self._has_answered(unit), f"an answer to {verb}", 240)
        self._replies.append(self._shell.check(f"cat /run/{unit}"))

    def _has_answered(self, unit: str) -> bool:
        for stick in self._sticks.values():
            if stick.faults and self._enumerated():
                stick.faults.clear()  # what it hung in is over
        return self._shell.run(f"test -s /run/{unit}").code == 0

    def _enumerated(self) -> int:
        """How often sticks were enumerated again since the board was started."""
        journal = "journalctl --no-pager --output=cat --unit=mokanda-modem"
        return int(self._shell.run(f"{journal} | grep -c 'is enumerated again'").output)

    def _troubles(self) -> list[str]:
        """Why the calls ended that the keeper sees, the latest first; "" for no trouble."""
        kept = json.loads(self._shell.check("cat /data/mokanda/calls.json"))["calls"]
        return [str(Sentence.from_json(call["trouble"]) or "") for call in kept]

    def judge(self, scenario: Scenario) -> Iterator[str]:
        """Tell what has not come as the scenario says; it is over."""
        try:
            wait_until(lambda: self._state() == scenario.ends, scenario.ends, 60)
        except DeadlineError:
            yield f"ends {self._state()}"
        for part, reply in zip(scenario.replies or [], self._replies, strict=True):
            if part not in reply:
                yield f"replies {reply}"
        dials = sum(command.startswith("ATD") for command in self._commands)
        if scenario.dials is not None and dials > scenario.dials:
            yield f"dials {dials} times"
        for pattern, times in scenario.counts.items():
            found = sum(bool(re.match(pattern, command)) for command in self._commands)
            if found != times:
                yield f"sends {pattern} {found} times"
        if scenario.calls is not None:
            expected, kept = [each["trouble"] for each in scenario.calls], self._troubles()
            if len(kept) != len(expected) or any(map(_differ, expected, kept)):
                yield f"keeps calls with the troubles {kept}"
        if (times := self._enumerated()) != scenario.enumerated:
            yield f"is enumerated {times} times"
        for stick in self._sticks.values():
            stick.unplug()


def _differ(part: str, trouble: str) -> bool:
    return part not in trouble or bool(part) is not bool(trouble)
