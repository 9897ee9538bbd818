# SPDX-License-Identifier: Apache-2.0
"""The SIM card's balance: after a mail run the modem's daemon may ask the network for it."""

import logging

from mokanda_firmware.bus.requests import RequestError, ask
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.store.settings import setting

_log = logging.getLogger(__name__)

_SECONDS = 5.0  # the daemon answers before it asks


def want(store: Store) -> None:
    """Tell that the time is good; whether it is asked, that daemon knows."""
    try:
        ask("modem", "balance", timeout=_SECONDS, zone=setting(store, "timezone", ""))
    except (RequestError, StoreError) as error:
        _log.info("the balance is not asked for: %s", error)
