# SPDX-License-Identifier: Apache-2.0
"""Make a delta from the system of one update to another update; runs in the toolbox.

The library of zstd there is the one by which mksquashfs has packed the system.
"""

from __future__ import annotations

import argparse
import struct
import sys
from pathlib import Path

from mokanda_firmware.updates.slot import SlotError
from mokanda_wire.delta import DeltaError
from scripts.releases.deltas.make import UnfitError, make
from scripts.releases.deltas.squashfs import SquashfsError


def main() -> int:
    """Make a delta; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts.releases.deltas", description=__doc__)
    for name in ("old", "new", "delta"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    try:
        delta = make(options.old.read_bytes(), options.new.read_bytes())
    except (SquashfsError, struct.error, UnfitError, DeltaError, SlotError) as error:
        print(f"{options.old.name}: {error}", file=sys.stderr)
        return 1
    options.delta.write_bytes(delta)
    return 0


if __name__ == "__main__":
    sys.exit(main())
