# SPDX-License-Identifier: Apache-2.0
"""What a daemon and systemd say to each other: readiness, the watchdog, the end, the log."""

import logging
import os
import signal
import socket
import sys
from types import FrameType

from mokanda_firmware import paths
from mokanda_firmware.bus.publishing import publish
from mokanda_firmware.bus.states import UnitState


def notify(*lines: str) -> None:
    """Send lines such as READY=1 to systemd (sd_notify(3)); nothing happens without systemd."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto("\n".join(lines).encode(), address)


def ready(daemon: str) -> None:
    """Tell systemd that a daemon does its work, and note it as `note-unit` notes its end.

    By itself, for that is quicker than another process by some tenths of a second, for which the
    first page would wait.

    Args:
        daemon: the name of its unit, without "mokanda-".
    """
    publish(paths.status(f"mokanda-{daemon}"), {"state": UnitState.UP})
    notify("READY=1")


def watchdog_seconds() -> float | None:
    """Return how often to send WATCHDOG=1, half of what systemd allows; None: never."""
    allowed = os.environ.get("WATCHDOG_USEC")
    return int(allowed) / 2_000_000 if allowed else None


def end_on_signals() -> None:
    """Let SIGTERM and SIGINT raise SystemExit(0), so that `finally` clauses clean up."""

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


class _JournalFormatter(logging.Formatter):
    """Put syslog's priority before the line, as sd-daemon(3) tells."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line with its priority."""
        if record.levelno >= logging.ERROR:
            priority = 3
        elif record.levelno >= logging.WARNING:
            priority = 4
        else:
            priority = 6 if record.levelno >= logging.INFO else 7
        return f"<{priority}>{super().format(record)}"


def start_logging(*, verbose: bool = False) -> None:
    """Log to standard error, with priorities when that is the journal."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])
