# SPDX-License-Identifier: Apache-2.0
"""One sync of a device in a process of its own, that can be told to die, or to be in 1970."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from typing import Any

import pytest

from mokanda_firmware.courier import run, session
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.uplink.failures import CourierError
from mokanda_wire import bundle as wire
from tests import clocks
from tests.crash_points import crash_before_step

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["mokanda_relay.http.server", "tests.relay_process", __name__])

SECONDS = 120  # that a sync may take


def _die_of(poison: str) -> None:
    """Let this process be killed as the kernel does when memory ends, at a mail of this text."""
    decode = wire.decode

    def decode_until_poison(*arguments: Any, **named: Any) -> wire.Decoded:  # noqa: ANN401
        decoded = decode(*arguments, **named)
        mails = [each for each in decoded.bundle.items if isinstance(each, wire.Mail)]
        if any(each.message.text == poison for each in mails):
            os.kill(os.getpid(), signal.SIGKILL)
        return decoded

    pytest.MonkeyPatch().setattr(session, "decode", decode_until_poison)


def _sync(environment: Mapping[str, str], death: int, off: float, poison: str) -> None:
    os.environ.update(environment)
    run.CUTS = 1
    clocks.shift(off)  # the machine's own clock is never set
    if poison:
        _die_of(poison)
    if death:
        crash_before_step(death)
    with contextlib.suppress(CourierError, StoreError):
        run.run(Store.of_device(), lambda *_: None)


def sync(
    *, death: int = 0, off: float = 0, poison: str = "", kill_after: float | None = None
) -> bool:
    """Sync the device of this environment; whether the process ended by itself.

    It dies before its step `death`, or at a mail whose text is `poison`, or is killed after so many
    seconds, or nothing of it; its clock is `off` by so many seconds.
    """
    environment = {key: value for key, value in os.environ.items() if key.startswith("MOKANDA_")}
    process = _CONTEXT.Process(target=_sync, args=(environment, death, off, poison))
    process.start()
    process.join(SECONDS if kill_after is None else kill_after)
    process.kill()
    process.join()
    return process.exitcode == 0
