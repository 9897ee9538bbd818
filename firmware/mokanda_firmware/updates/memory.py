# SPDX-License-Identifier: Apache-2.0
"""What an update must remember across a restart, in a small file on the data partition."""

import json
from pathlib import Path
from typing import Any, NamedTuple, Self

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_wire import durable


class Memory(NamedTuple):
    """Where the last update stands; each field is "" or None when it does not apply.

    Attributes:
        wanted: the version that the keeper asked for and that is not installed yet.
        trial: the version that is being written to `slot`, and proves itself there next.
        installed: whether it lies there whole, so that U-Boot starts it.
        failed: the version that was refused or did not prove itself, and `reason` why.
        begun: when `trial` was written, in seconds since 1970.
        done: the version that was installed last and proved itself, begun at `done_at`.
    """

    wanted: str = ""
    trial: str = ""
    slot: str = ""
    installed: bool = False
    failed: str = ""
    reason: Sentence | None = None
    begun: int = 0
    done: str = ""
    done_at: int = 0

    @classmethod
    def read(cls) -> Self:
        """Return what is remembered; nothing when the file is not there or damaged."""
        try:
            kept = json.loads(_file().read_text(encoding="utf-8"))
            kept.pop("reason_said", None)  # of an earlier version
            return cls(**{**kept, "reason": Sentence.from_json(kept.get("reason"))})
        except (FileNotFoundError, AttributeError, ValueError, TypeError):
            return cls()

    def then(self, **changes: Any) -> Self:  # noqa: ANN401 - as the fields are
        """Return what is to be remembered next: these fields, and what was installed last."""
        return type(self)(done=self.done, done_at=self.done_at)._replace(**changes)

    def keep(self) -> Self:
        """Write it durably; returns itself."""
        kept = self._asdict() | {"reason": self.reason and self.reason.to_json()}
        durable.write(_file(), json.dumps(kept).encode())
        return self


def _file() -> Path:
    return paths.updates() / "memory.json"
