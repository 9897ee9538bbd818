# SPDX-License-Identifier: Apache-2.0
"""What an update must remember across a restart, in a small file on the data partition."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from mokanda_firmware import paths


@dataclass(frozen=True, slots=True)
class Memory:
    """Where the last update stands; each field is "" when it does not apply.

    Attributes:
        wanted: the version that the keeper asked for and that is not installed yet.
        trial: the version that is being written to `slot`, and proves itself there next.
        installed: whether it lies there whole, so that U-Boot starts it.
        failed: the version that was refused or did not prove itself, and `reason` why.
    """

    wanted: str = ""
    trial: str = ""
    slot: str = ""
    installed: bool = False
    failed: str = ""
    reason: str = ""

    @classmethod
    def read(cls) -> Self:
        """Return what is remembered; nothing when the file is not there or damaged."""
        try:
            return cls(**json.loads(_file().read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def keep(self) -> Self:
        """Write it durably; returns itself."""
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}")
        with temporary.open("w", encoding="utf-8") as text:
            json.dump(asdict(self), text)
            text.flush()
            os.fsync(text.fileno())
        temporary.replace(file)
        descriptor = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return self


def _file() -> Path:
    return paths.updates() / "memory.json"
