# SPDX-License-Identifier: Apache-2.0
"""In which order the root file system's files lie: first what a start reads, as it reads it.

Small files are packed many to a block, of which a kernel keeps three unpacked. Python asks for some
hundred files from all over its library: laid by their names, the blocks of these were read and
unpacked three times each on the way to the first page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scripts.completeness import running
from scripts.tools.steps import StepError

# In the order in which they start.
DAEMONS: Final = ("webmail", "lights", "modem", "courier")
_IMPORT: Final = """import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
for module in sys.modules.values():
    if module.__spec__ and module.__spec__.has_location:
        print(module.__spec__.origin)
"""
_FIRST: Final = 32767  # mksquashfs' highest priority


def of_start(root: Path, architecture: str) -> str:
    """Priorities as `mksquashfs -sort` wants them, in the order of our daemons' imports.

    Raises StepError when they do not start.
    """
    names = [f"mokanda_firmware.{name}.__main__" for name in DAEMONS]
    said = running.run(["python3", "-c", _IMPORT, *names], running.EMULATORS[architecture], root)
    paths = [line.lstrip("/") for line in said.splitlines()]
    if not paths or not all((root / path).is_file() for path in paths):
        raise StepError(f"what the daemons read as they start cannot be found out: {said[-300:]}")
    return "".join(f"{path} {_FIRST - index}\n" for index, path in enumerate(dict.fromkeys(paths)))
