# SPDX-License-Identifier: Apache-2.0
"""Days with a budget: how tests set it, fill it, go beyond it, and count."""

from __future__ import annotations

import base64
import random
from typing import Literal

import pytest

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.courier.run import run
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync.sessions import SessionRecord
from mokanda_firmware.uplink.failures import CutError
from tests.relay_served import Served
from tests.syncing_village import Village

WORLD = "ada@example.org"


def noise(size: int, seed: int) -> str:
    """Text that no model foresees: it travels at about three quarters of its size."""
    return base64.b64encode(random.Random(seed).randbytes(size * 3 // 4)).decode()


def limit(village: Village, day: int | None = None, villager: int | None = None) -> None:
    """Set the budgets, on a day that has just begun."""
    set_setting(village.store, "budget", {"village": day, "villager": villager})
    sleep(village)


def sleep(village: Village) -> None:
    """Let it become another day: what was counted is yesterday's."""
    with village.store.transaction() as connection:
        for table in ("traffic", "share"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE sync SET day = NULL")


def crossed(record: SessionRecord) -> int:
    return record.bytes_up + record.bytes_down


def held(village: Village) -> list[str]:
    """Why mails wait, by their order in the outbox."""
    with village.store.reading() as connection:
        rows = connection.execute("SELECT held FROM outgoing WHERE state = 'waiting' ORDER BY 1")
        return [row["held"] for row in rows]


def send_down(served: Served, *texts: str, to: str = "amina") -> None:
    """Write a villager mails from the world, and have the relay ready to hand them on."""
    for text in texts:
        served.world.write(WORLD, [f"{to}@kitenge.example"], "Mbote", text)
    served.wait_until_prepared()


def break_off_beyond_the_budget(
    village: Village, monkeypatch: pytest.MonkeyPatch, way: Literal["upload", "fetch"] = "upload"
) -> None:
    """Freeze all that waits, by the keeper's word, and lose the connection before it goes."""

    def cut(*_: object) -> None:
        raise CutError(Sentence("The connection broke."))

    with monkeypatch.context() as patched, pytest.raises(CutError):
        patched.setattr(f"mokanda_firmware.uplink.connection.Connection.{way}", cut)
        patched.setattr("mokanda_firmware.courier.run.PAUSE", 0)
        run(village.store, lambda *_: None, beyond=True)
