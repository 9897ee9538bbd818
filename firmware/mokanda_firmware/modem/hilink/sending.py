# SPDX-License-Identifier: Apache-2.0
"""A text message to the network by a HiLink stick, which takes it at once and tells later."""

from contextlib import suppress
from datetime import datetime
from typing import Final

from mokanda_firmware.modem.backend import SendError
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.hilink.page import Page, PageError, RefusedError, Value

_PATIENCE = 45.0  # seconds: the network gives a message up after forty
_PAUSE = 1.0  # seconds between two looks
_NEW: Final = "-1"  # its place: none yet


def send(page: Page, clock: Clock, text: str, number: str) -> None:
    """Send it. Raises SendError: it has not gone, or that is not known."""
    message: dict[str, Value] = {
        "Index": _NEW,
        "Phones": {"Phone": number},
        "Sca": "",
        "Content": text,
        "Length": str(len(text)),
        "Reserved": "1",
        "Date": f"{datetime.now():%Y-%m-%d %H:%M:%S}",  # noqa: DTZ005 - the stick's own clock
    }
    try:
        with page.visit():
            page.post("sms/send-sms", message)
    except RefusedError as error:
        raise SendError.refused(str(error)) from error
    except PageError as error:
        raise SendError.unknown() from error
    end = clock.now() + _PATIENCE
    while clock.now() < end:
        clock.wait((), _PAUSE)
        with suppress(PageError), page.visit():
            told = page.get("sms/send-status")
            if number in told.get("FailPhone", ""):
                raise SendError.refused(number)
            if number in told.get("SucPhone", ""):
                return
    raise SendError.unknown()
