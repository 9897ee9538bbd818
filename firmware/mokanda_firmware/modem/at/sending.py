# SPDX-License-Identifier: Apache-2.0
"""A text message to the network (3GPP TS 27.005, 3.5.1), which takes it as an order: sent once."""

import logging

from mokanda_firmware.modem.at import pdu
from mokanda_firmware.modem.at.conversation import At
from mokanda_firmware.modem.at.refusals import AtAbandonedError, AtError, AtTimeoutError
from mokanda_firmware.modem.backend import SendError

_log = logging.getLogger(__name__)

_PATIENCE = 45.0  # seconds: the network gives a message up after forty (24.011, 10.1)
# 27.005, 3.2.5: what the network says no by, and what keeps the modem from trying. All others leave
# it open, such as 332, that the network did not answer.
_REFUSALS = frozenset({*range(1, 128), *range(302, 332)})


def send(at: At, text: str, number: str) -> None:
    """Send it, in the basic alphabet, 160 characters at most.

    Raises:
        SendError: it has not gone, or that is not known.
        ValueError: it is no such text or number.
    """
    message = pdu.submit(text, number)
    try:
        at.command("AT+CMGF=0")
        at.prompted(f"AT+CMGS={len(message) - 1}", message.hex().upper(), _PATIENCE)
    except AtAbandonedError as error:
        _log.warning("a message to %s: %s", number, error)
        if error.code in _REFUSALS:
            raise SendError.refused(str(error)) from error
        raise SendError.unknown() from error
    except AtTimeoutError as error:
        raise SendError.refused(str(error)) from error
    except AtError as error:
        raise SendError.refused(str(error)) from error
