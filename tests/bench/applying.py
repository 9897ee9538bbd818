# SPDX-License-Identifier: Apache-2.0
"""What a device's code takes to rebuild an update from a delta, in a process of its own.

It runs in the toolbox, whose libzstd is the image's, natively.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from mokanda_firmware.updates.rebuild import rebuild
from mokanda_firmware.updates.slot import Slot
from mokanda_wire.delta import Header
from scripts.tools.repository import PYTHON_PATH, TOOLBOX
from scripts.tools.steps import Log


def peak(slot: Path, delta: Path, log: Log) -> int:
    """The most memory that it has taken, in bytes, Python's own among it; raises StepError."""
    python = (TOOLBOX, "env", f"PYTHONPATH={PYTHON_PATH}", "python3", "-B")
    return int(log.run(*python, "-m", "tests.bench.applying", slot, delta))


def main() -> None:
    """Rebuild, and tell the most memory of this process in bytes."""
    with (
        Path(sys.argv[1]).open("rb") as image,
        Path(sys.argv[2]).open("rb") as delta,
        tempfile.TemporaryFile() as output,
    ):
        base = Slot(image)
        assert base.sha256() == Header.read(delta).base
        delta.seek(0)
        rebuild(delta, base, output, lambda _: None)
    # Not by getrusage, which counts what the process had before it became Python.
    found = re.search(r"^VmHWM:\s+([0-9]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    sys.stdout.write(str(int(found[1]) * 1024))


if __name__ == "__main__":
    main()
