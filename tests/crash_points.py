# SPDX-License-Identifier: Apache-2.0
"""A process that dies by SIGKILL before a certain step: what it did before is there, no more.

A step is anything that lasts: a write or sync of a file, a rename, a commit of what was written.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from mokanda_relay.transport.sendgrid import api

F = TypeVar("F", bound=Callable[..., Any])


def crashes(before_step: int, work: Callable[[], object]) -> bool:
    """Do it in a process that dies before this step; whether it had so many.

    The process is a copy of this one: no other thread here may be at work.
    """
    child = os.fork()
    if not child:
        crash_before_step(before_step)
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    assert ended in (0, -signal.SIGKILL)
    return ended != 0


def crash_before_step(steps: int) -> None:
    """Let this process kill itself before this step, counted from 1."""
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

    class Stepping(sqlite3.Connection):
        """Counts the commits of the device's store, which says them itself, but for readings'."""

        unchanged = -1  # what `total_changes` is as long as the transaction has only read

        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:  # noqa: ANN401
            if sql.startswith("BEGIN"):
                self.unchanged = self.total_changes if sql == "BEGIN" else -1
            if sql != "COMMIT" or self.total_changes == self.unchanged:
                return super().execute(sql, *arguments)
            step()
            done = super().execute(sql, *arguments)
            step()
            return done

    def committed(connection: sa.Connection) -> None:
        """Count a commit of the relay's database; SQLite tells whether anything was written."""
        changes = getattr(connection.connection.dbapi_connection, "total_changes", None)
        if changes is None or changes != connection.info.get("changes", 0):
            connection.info["changes"] = changes
            step()

    connect = sqlite3.connect
    sqlite3.connect = lambda *arguments, **named: connect(
        *arguments, **{"factory": Stepping, **named}
    )
    os.fsync = stepping(os.fsync)
    os.pwrite = stepping(os.pwrite)
    Path.replace = stepping(Path.replace)  # type: ignore[method-assign]
    Path.unlink = stepping(Path.unlink)  # type: ignore[method-assign]
    api.SendGrid.send = stepping(api.SendGrid.send)  # type: ignore[method-assign]
    event.listen(sa.Engine, "commit", committed)
