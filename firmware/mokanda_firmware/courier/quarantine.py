# SPDX-License-Identifier: Apache-2.0
"""Finding what the relay refuses among what goes up, so that all else goes.

mokanda_wire.bisection tells how; what it sets aside is a mail, a content request, or something that
the relay is told of this device.
"""

import logging

from mokanda_firmware.courier import news
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import set_setting, setting
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.state import PendingUp
from mokanda_firmware.mailbox.sync.up import mails_in_bundle, release_up, requests_in_bundle
from mokanda_wire.bisection import Bisection

_STATE = "courier_bisection"  # a setting of the store that only this module uses: size, caution

log = logging.getLogger(__name__)


def state(store: Store) -> Bisection:
    """What the next bundle may be."""
    return Bisection(*setting(store, _STATE, (0, 0)))


def accepted(store: Store) -> None:
    """Record that the relay has taken a bundle."""
    before = state(store)
    _keep(store, before, before.accepted())


def refused(store: Store, pending: PendingUp, reason: str) -> None:
    """Release a bundle that the relay has refused, or set aside what it was made of."""
    mails = mails_in_bundle(store, pending.sequence)
    requests = requests_in_bundle(store, pending.sequence)
    told = news.count(store, pending.sha256)
    release_up(store, pending.sequence, reason)
    before = state(store)
    after, set_aside = before.refused(len(mails) + len(requests) + told)
    _keep(store, before, after)
    if not set_aside:
        return
    if mails:
        log.error("mail %d is set aside, as the relay refuses it: %s", mails[0], reason)
        outgoing.give_up(store, mails[0], reason)
    elif requests:
        log.error("a content request is denied, as the relay refuses it: %s", reason)
        outgoing.deny_request(store, requests[0], "refused")
    else:
        log.error("not told again until it changes, as the relay refuses it: %s", reason)
        news.settle(store, pending.sha256)


def _keep(store: Store, before: Bisection, after: Bisection) -> None:
    if after != before:
        set_setting(store, _STATE, (after.size, after.caution))
