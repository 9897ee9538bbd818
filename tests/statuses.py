# SPDX-License-Identifier: Apache-2.0
"""What daemons have published, for tests that know that they have."""

from typing import TypeVar

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus, Status

# A modem with all that it can tell.
READY = ModemStatus(
    ModemState.READY,
    detail=Sentence("Ready on {network}.", network="Vodacom CD"),
    model="huawei E303",
    imei="861195009876543",
    imsi="630010123456789",
    operator="Vodacom CD",
    signal=58,
)

S = TypeVar("S", bound=Status)


def published(kind: type[S]) -> S:
    """The status of this kind, which is there."""
    status = kind.read()
    assert status is not None, f"{kind.NAME} has told nothing"
    return status
