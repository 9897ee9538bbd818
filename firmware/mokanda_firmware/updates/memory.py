# SPDX-License-Identifier: Apache-2.0
"""What an update must remember across a restart, in a small file on the data partition."""

import json
from pathlib import Path
from typing import Any, NamedTuple, Self

from mokanda_firmware import paths, running
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_wire import durable

_MAX_BYTES = 65536


class Memory(NamedTuple):
    """Where the last update stands; each field is "" or None when it does not apply.

    Attributes:
        wanted: the version that the keeper asked for and that is not installed yet.
        trial: the version that is being written to `slot`, and proves itself there next.
        installed: whether it lies there whole, so that U-Boot starts it.
        lacked: what did not work before `trial` was started, which therefore need not prove it.
        put_off: whether it could not prove itself for what the card is to blame for; it lies there
            still.
        failed: the version that was refused or did not prove itself, and `reason` why; of a trial
            that goes on, why its last start was in vain.
        whole: the version whose delta does not fit, so that it is fetched whole if it is wanted.
        begun: when `trial` was written, in seconds since 1970.
        done: the version that was installed last and proved itself, begun at `done_at`.
    """

    wanted: str = ""
    trial: str = ""
    slot: str = ""
    installed: bool = False
    lacked: tuple[str, ...] = ()
    put_off: bool = False
    failed: str = ""
    reason: Sentence | None = None
    whole: str = ""
    begun: int = 0
    done: str = ""
    done_at: int = 0

    @classmethod
    def read(cls) -> Self:
        """Return what is remembered; nothing when the file is not there or damaged."""
        return records.read(cls, _file(), _MAX_BYTES) or cls()

    @property
    def is_on_trial(self) -> bool:
        """Whether it is the version that runs which has to prove itself."""
        return bool(self.trial) and self.slot == running.slot()

    def then(self, **changes: Any) -> Self:  # noqa: ANN401 - as the fields are
        """Return what is to be remembered next: these fields, and what stays true of versions."""
        lasting = {"done": self.done, "done_at": self.done_at, "whole": self.whole}
        return type(self)(**{**lasting, **changes})

    def keep(self) -> Self:
        """Write it durably; returns itself."""
        durable.write(_file(), json.dumps(records.dump(self)).encode())
        return self


def _file() -> Path:
    return paths.updates() / "memory.json"
