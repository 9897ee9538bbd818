# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.fuzz TARGET [-max_total_time=3600]`: fuzz one target by coverage, with atheris.

Atheris is not among the tools that are always installed: `build/venv/bin/pip install atheris`. What
it finds it writes to a file `crash-...`; `python -m tests.fuzz TARGET crash-...` does it again.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mokanda_wire"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz the target of the first argument; libFuzzer takes the others."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz TARGET [libFuzzer's options]: {', '.join(TARGETS)}")
    target = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory(prefix="mokanda-") as corpus:
        for number, seed in enumerate(target.seeds):
            Path(corpus, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *sys.argv[2:], corpus], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
