# SPDX-License-Identifier: Apache-2.0
"""What the keeper has set for the modem, and which access point has worked for which SIM card."""

import contextlib
import json
from dataclasses import dataclass, field
from typing import Self

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_wire import durable

_MAX_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Settings:
    """An access point of the keeper's own ("": none), and whether roaming is allowed.

    `worked` is the access point with which a call of the card `imsi` last came about; `pin` is the
    PIN that `card` (its ICCID) has taken, if the keeper wants it kept.
    """

    apn: str = ""
    username: str = ""
    password: str = ""
    roaming: bool = False
    imsi: str = ""
    worked: str = ""
    pin: str = field(default="", repr=False)
    card: str = ""

    @classmethod
    def read(cls) -> Self:
        """Return what was kept; where that cannot be read, nothing was set."""
        with (
            contextlib.suppress(OSError, ValueError, RecursionError),
            paths.modem().open("rb") as file,
        ):
            return records.load(cls, json.loads(file.read(_MAX_BYTES)))
        return cls()

    def keep(self) -> None:
        """Replace what was kept. Raises OSError."""
        durable.write(paths.modem(), json.dumps(records.dump(self)).encode(), 0o600)
