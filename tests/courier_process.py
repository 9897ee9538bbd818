# SPDX-License-Identifier: Apache-2.0
"""One sync of a device in a process of its own, that can be told to die, or to be in 1970."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Mapping

from mokanda_firmware.courier import run
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.uplink.failures import CourierError
from tests import clocks
from tests.crash_points import crash_before_step

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["mokanda_relay.http.server", "tests.relay_process", __name__])

SECONDS = 120  # that a sync may take


def _sync(environment: Mapping[str, str], death: int, off: float) -> None:
    os.environ.update(environment)
    run.CUTS = 1
    clocks.shift(off)  # the machine's own clock is never set
    if death:
        crash_before_step(death)
    with contextlib.suppress(CourierError, StoreError):
        run.run(Store.of_device(), lambda *_: None)


def sync(*, death: int = 0, off: float = 0, kill_after: float | None = None) -> None:
    """Sync the device of this environment.

    The process dies before its step `death`, or is killed after so many seconds, or neither; its
    clock is `off` by so many seconds.
    """
    environment = {key: value for key, value in os.environ.items() if key.startswith("MOKANDA_")}
    process = _CONTEXT.Process(target=_sync, args=(environment, death, off))
    process.start()
    process.join(SECONDS if kill_after is None else kill_after)
    process.kill()
    process.join()
