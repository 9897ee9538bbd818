# SPDX-License-Identifier: Apache-2.0
"""What was done when the mail store was mended last, for its keeper and the operator."""

import json
from datetime import UTC, datetime
from typing import NamedTuple, Self

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.mailbox.store import clock

_TOLD_SECONDS = 14 * 24 * 3600


class Mending(NamedTuple):
    """When it was, in seconds since 1970, and what it has cost.

    `lost` is how many rows could not be read; `copy` is of when the copy is that has taken the
    place of all, None if none has.
    """

    at: int
    lost: int | None = None
    copy: int | None = None

    @classmethod
    def read(cls) -> Self | None:
        """Return what was done within the last days; None for nothing."""
        try:
            found = records.load(cls, json.loads(paths.mended().read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None
        return found if abs(clock.now() - found.at) < _TOLD_SECONDS else None

    def sentence(self, date: str) -> Sentence:
        """Say it to the keeper; `date` is that of the copy, in the keeper's language."""
        if self.copy is not None:
            return Sentence(
                "They were damaged, and the copy of {date} took their place. Letters from the"
                " world since then come again; what else is newer is lost.",
                date=date,
            )
        if self.lost:
            return Sentence(
                "They were damaged. What can be read was saved; about {number} entries are lost.",
                number=self.lost,
            )
        return Sentence("They were damaged, and all of them could be saved.")

    def __str__(self) -> str:
        """Say it to the operator."""
        moment = f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M}"
        if self.copy is not None:
            made = datetime.fromtimestamp(self.copy, UTC)
            return f"{moment}: the copy of {made:%Y-%m-%d %H:%M} took its place"
        return f"{moment}: {self.lost} rows are lost"
