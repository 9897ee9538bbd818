# SPDX-License-Identifier: Apache-2.0
"""The last restart of the device for its modem's sake: noted before it, told after it.

No clock tells how long a device without power was off, and that of the wall may say anything. So
what is counted by the day goes by the seconds of a boot, which nobody sets, or by the relay's time.
"""

import json
from datetime import datetime
from typing import Final, NamedTuple, Self

from mokanda_firmware import boot, paths, relaytime
from mokanda_firmware.bus import records
from mokanda_wire import durable

DAY: Final = 86400.0
_MAX_BYTES = 1000


class Restart(NamedTuple):
    """One restart.

    Attributes:
        boot: the boot that it was to end, by the kernel's name for it.
        up: how many seconds that had lasted.
        at: the relay's time; None when that was not known.
        next_boot: the boot that came after it.
    """

    boot: str
    up: float
    at: datetime | None = None
    next_boot: str = ""

    @classmethod
    def read(cls) -> Self | None:
        """Return what is noted; None for nothing, or nothing that can be read."""
        return records.read(cls, paths.restart(), _MAX_BYTES)

    def note(self) -> None:
        """Note it durably in place of the one before. Raises OSError."""
        durable.write(paths.restart(), json.dumps(records.dump(self)).encode())


def is_allowed(up: float) -> bool:
    """Whether the last one is a day ago for sure; `up` is for how many seconds this boot lasts."""
    noted = Restart.read()
    if noted is not None and noted.boot == boot.name():  # it did not come about
        return up - noted.up >= DAY
    if up >= DAY or not paths.restart().exists():
        return True
    now = relaytime.now()
    if noted is None or noted.at is None or now is None:
        return False
    return now.timestamp() - noted.at.timestamp() >= DAY


def note(up: float) -> None:
    """Note one that is about to be. Raises OSError."""
    Restart(boot.name(), up, relaytime.now()).note()


def recognise() -> None:
    """At the start of the daemon: note that this boot came of it, if it did. Raises OSError."""
    noted, this_boot = Restart.read(), boot.name()
    if noted is not None and noted.boot != this_boot and not noted.next_boot:
        noted._replace(next_boot=this_boot).note()


def before_this_boot() -> Restart | None:
    """Return the one that this boot came of; None: it was begun otherwise."""
    noted = Restart.read()
    return noted if noted is not None and noted.next_boot == boot.name() else None
