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
from scripts.releases.deltas.squashfs import Squashfs, SquashfsError

_UNFIT = (UnfitError, DeltaError, SlotError)
# What comes of bytes that are no such file system, or not all of one.
_DAMAGED = (SquashfsError, struct.error, LookupError, OverflowError, ValueError)


def main() -> int:
    """Make a delta; returns the exit code. Where none can be made, say why and write none."""
    parser = argparse.ArgumentParser(prog="scripts.releases.deltas", description=__doc__)
    for name in ("old", "new", "delta"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    new = options.new.read_bytes()
    Squashfs(new)  # if anything is wrong with this one, it is a failure
    try:
        delta = make(options.old.read_bytes(), new)
    # No failures of this program's: it is for whoever asked to say what becomes of it.
    except _UNFIT as error:
        print(error)
        return 0
    except _DAMAGED as error:
        print(f"It is damaged, or no update ({error}).")
        return 0
    options.delta.write_bytes(delta)
    return 0


if __name__ == "__main__":
    sys.exit(main())
