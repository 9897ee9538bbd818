# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay serve` in a process of its own, that can be told to die before a certain step.

A step is anything that lasts: a write or sync of a file, a rename, a commit, a request to
SendGrid. The process counts its steps and, at the one it was told, kills itself with SIGKILL: what
the steps before it did is there, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from mokanda_relay import __main__ as command
from mokanda_relay import sendgrid_api
from scripts.patience import wait_until

F = TypeVar("F", bound=Callable[..., Any])

# Started clean and with everything imported, so that each relay is up in a blink.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["mokanda_relay.server", "tests.relay_process"])


def _serve(arguments: list[str], environment: Mapping[str, str], steps: int, log: str) -> None:
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    if steps:
        _die_before_step(steps)
    command.main(arguments)


def _die_before_step(steps: int) -> None:
    lock = threading.Lock()
    left = steps

    def step() -> None:
        nonlocal left
        with lock:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def stepping(function: F) -> F:
        def stepped(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            step()
            done = function(*arguments, **named)
            step()
            return done

        return stepped  # type: ignore[return-value]

    os.fsync = stepping(os.fsync)
    os.pwrite = stepping(os.pwrite)
    Path.replace = stepping(Path.replace)  # type: ignore[method-assign]
    Path.unlink = stepping(Path.unlink)  # type: ignore[method-assign]
    sendgrid_api.SendGrid.send = stepping(sendgrid_api.SendGrid.send)  # type: ignore[method-assign]
    event.listen(sa.Engine, "commit", lambda _connection: step())


class RelayProcess:
    """A relay on a data folder; started and killed as often as need be."""

    def __init__(self, data: Path, environment: Mapping[str, str]) -> None:
        self._data = data
        self._environment = dict(environment)
        self._ports = (_free_port(), _free_port())
        self.device_url = f"https://127.0.0.1:{self._ports[0]}"
        self.operator_url = f"http://127.0.0.1:{self._ports[1]}"
        self._process: multiprocessing.context.ForkServerProcess | None = None

    def start(self, die_before_step: int = 0) -> None:
        """Start serving, until it is killed or, if told so, until it dies by itself."""
        arguments = [
            "serve",
            *("--data", str(self._data)),
            *("--listen", f"127.0.0.1:{self._ports[0]}"),
            *("--operator", f"127.0.0.1:{self._ports[1]}"),
        ]
        log = str(self._data.with_name("relay.log"))
        self._process = _CONTEXT.Process(
            target=_serve, args=(arguments, self._environment, die_before_step, log)
        )
        self._process.start()
        wait_until(
            lambda: not self.lives() or all(map(_answers, self._ports)), "the relay", 20, every=0.01
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
