# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay serve` in a process of its own, that can be told to die before a certain step."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from mokanda_relay import __main__ as command
from mokanda_relay.operator import housekeeping
from mokanda_relay.store import database
from mokanda_relay.transport import outbox
from scripts.tools.deadlines import wait_until
from tests import clocks
from tests.crash_points import crash_before_step
from tests.ports import answers, reserved_port

# Started clean and with everything imported, so that each relay is up in a blink.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["mokanda_relay.http.server", "tests.relay_process"])


@dataclass(frozen=True)
class Conditions:
    """What a relay's process has to live with; times in seconds.

    It dies before step `death` (0: never); its clock is `off`; it waits for the lock of its
    database for `lock_timeout`, and `rest` before it sends a mail of unknown outcome again; it is
    tidied `every` so often.
    """

    death: int = 0
    off: float = 0
    lock_timeout: float = 30
    rest: float = 600
    every: float = 3600


def _serve(
    arguments: list[str], environment: Mapping[str, str], conditions: Conditions, log: str
) -> None:
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    if conditions.off:
        clocks.shift(conditions.off)
    database._LOCK_TIMEOUT = conditions.lock_timeout  # type: ignore[assignment]
    outbox.REST = timedelta(seconds=conditions.rest)
    housekeeping.INTERVAL = conditions.every
    if conditions.death:
        crash_before_step(conditions.death)
    command.main(arguments)


class RelayProcess:
    """A relay on a data folder; started and killed as often as need be, and when the block ends."""

    def __init__(self, data: Path, environment: Mapping[str, str]) -> None:
        self._data = data
        self._environment = dict(environment)
        self._stack = ExitStack()
        self._ports = [self._stack.enter_context(reserved_port()) for _ in range(2)]
        self.device_url = f"https://127.0.0.1:{self._ports[0]}"
        self.operator_url = f"http://127.0.0.1:{self._ports[1]}"
        self._process: multiprocessing.context.ForkServerProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._stack.close()

    def start(self, conditions: Conditions = Conditions()) -> None:
        """Start serving, until it is killed or, under some conditions, until it dies by itself."""
        arguments = [
            "serve",
            *("--data", str(self._data)),
            *("--listen", f"127.0.0.1:{self._ports[0]}"),
            *("--operator", f"127.0.0.1:{self._ports[1]}"),
        ]
        log = str(self._data.with_name("relay.log"))
        self._process = _CONTEXT.Process(
            target=_serve, args=(arguments, self._environment, conditions, log)
        )
        self._process.start()
        wait_until(
            lambda: not self.lives() or all(map(answers, self._ports)), "the relay", 20, every=0.01
        )

    def lives(self) -> bool:
        """Whether it has not died."""
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def stop(self) -> tuple[int | None, float]:
        """SIGTERM; returns the exit code, and how many seconds it took."""
        assert self._process is not None
        start = time.monotonic()
        self._process.terminate()
        self._process.join(30)
        return self._process.exitcode, time.monotonic() - start
