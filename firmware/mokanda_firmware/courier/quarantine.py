# SPDX-License-Identifier: Apache-2.0
"""Finding the mail for which the relay refuses a bundle, so that the others go.

After a refusal the next bundle has half the mails, and so on down to one; after each bundle that is
taken the next may have twice as many. A mail that is refused twice, alone, is set aside. Wishes
that were refused with others go each by itself, behind the mail; one that is refused so is denied.
"""

import logging

from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import set_setting, setting
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.up import mails_in_bundle, release_up, requests_in_bundle

_ENOUGH = 64  # mails in a bundle that was taken, after which nothing is suspected any more

# Settings of the store that only this module uses.
_MOST = "courier_most"  # mails in the next bundle; 0 for any number
_ALONE = "courier_alone"  # the mail that was last refused with nothing beside it, or _NO_MAIL
_NO_MAIL = -1
_WISHES_APART = "courier_wishes_apart"  # whether each wish goes by itself

log = logging.getLogger(__name__)


def most(store: Store) -> int | None:
    """How many mails the next bundle may have; a single one goes with nothing else."""
    return setting(store, _MOST, 0) or None


def wishes_apart(store: Store) -> bool:
    """Whether each wish goes with nothing else."""
    return bool(setting(store, _WISHES_APART, False))


def refused(store: Store, sequence: int, reason: str) -> bool:
    """Release a frozen bundle that the relay has refused; tell whether to try again.

    What is no mail (who lives here, how the device is) is given up at the second refusal.
    """
    mails = mails_in_bundle(store, sequence)
    wished = requests_in_bundle(store, sequence)
    release_up(store, sequence, reason)
    if wished and not mails and wishes_apart(store):
        log.error("a wish is denied, as the relay refuses it: %s", reason)
        outgoing.deny_request(store, wished[0], "refused")
    set_setting(store, _WISHES_APART, bool(wished) or wishes_apart(store))
    if wished and not mails:
        return True
    last = setting(store, _ALONE, 0)
    alone = _NO_MAIL if not mails else mails[0] if most(store) == 1 else 0
    again = alone != last
    if alone > 0 and not again:
        log.error("mail %d is set aside, as the relay refuses it: %s", alone, reason)
        outgoing.give_up(store, alone, reason)
        again = True
    set_setting(store, _ALONE, alone)
    if mails:
        set_setting(store, _MOST, max(len(mails) // 2, 1))
    return again or alone == 0


def taken(store: Store) -> None:
    """Note that the relay has taken a bundle."""
    set_setting(store, _ALONE, 0)
    if wishes_apart(store) and not outgoing.unsent_requests(store):
        set_setting(store, _WISHES_APART, False)
    now = most(store)
    if now:
        set_setting(store, _MOST, 2 * now if now < _ENOUGH else 0)
