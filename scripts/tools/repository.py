# SPDX-License-Identifier: Apache-2.0
"""Where the tree and its toolbox are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
# Before a command: runs it with the tools of build/toolbox.
TOOLBOX: Final = REPOSITORY / "scripts" / "toolbox"
# The PYTHONPATH of what runs in the toolbox and needs the device's code, too.
PYTHON_PATH: Final = ":".join(str(REPOSITORY / part) for part in ("", "firmware", "wire"))
