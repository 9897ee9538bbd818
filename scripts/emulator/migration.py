# SPDX-License-Identifier: Apache-2.0
"""The state of memory and devices, to a file and back: what QEMU calls migration."""

from __future__ import annotations

from pathlib import Path

from scripts.emulator.qmp import Qmp, QmpError
from scripts.tools.deadlines import wait_until


def save(qmp: Qmp, state: Path) -> None:
    """Stop the board and write its state; raises QmpError."""
    qmp.execute("stop")
    # There is nothing else that needs the bandwidth, which is 128 MiB/s otherwise.
    qmp.execute("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
    qmp.execute("migrate", uri=f"file:{state}")
    _wait(qmp, "the board's state to be saved")


def load(qmp: Qmp, state: Path) -> None:
    """Read the state into a QEMU that waits for it, and let the board go on; raises QmpError."""
    qmp.execute("migrate-incoming", uri=f"file:{state}", **{"exit-on-error": False})
    _wait(qmp, "the board's state to be loaded")
    qmp.execute("cont")


def _wait(qmp: Qmp, what: str) -> None:
    def is_done() -> bool:
        progress = qmp.execute("query-migrate")
        if progress.get("status") == "failed":
            raise QmpError(f"waited in vain for {what}: {progress.get('error-desc')}")
        return bool(progress.get("status") == "completed")

    wait_until(is_done, what, 60, every=0.05)
