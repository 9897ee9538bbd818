# SPDX-License-Identifier: Apache-2.0
"""What daemons have published, for tests that know that they have."""

from typing import TypeVar

from mokanda_firmware.bus.statuses import Status

S = TypeVar("S", bound=Status)


def published(kind: type[S]) -> S:
    """The status of this kind, which is there."""
    status = kind.read()
    assert status is not None, f"{kind.NAME} has told nothing"
    return status
