# SPDX-License-Identifier: Apache-2.0
"""What a device's code takes to rebuild an update from a delta, in a process of its own.

It imports nothing but what it measures.
"""

import re
import sys
from pathlib import Path

from mokanda_firmware.updates.rebuild import rebuild
from mokanda_firmware.updates.slot import Slot
from mokanda_wire.delta import Header


def main(slot: Path, delta: Path, update: Path) -> None:
    """Rebuild, and tell the most memory of this process in bytes, Python's own among it."""
    with slot.open("rb") as image, delta.open("rb") as source, update.open("w+b") as output:
        base = Slot(image)
        assert base.sha256() == Header.read(source).base
        source.seek(0)
        rebuild(source, base, output, lambda _: None)
    # Not by getrusage, which counts what the process had before it became Python.
    found = re.search(r"^VmHWM:\s+([0-9]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    sys.stdout.write(str(int(found[1]) * 1024))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
