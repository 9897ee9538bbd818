# SPDX-License-Identifier: Apache-2.0
"""The password that who is logged in gives again, before what matters most is done."""

from mokanda_firmware.mailbox.people import accounts
from mokanda_firmware.webmail.throttle import trying
from mokanda_firmware.webmail.visit import Refused, Visit


def check_own_password(visit: Visit, password: str, wrong: str) -> None:
    """Refuse, with the sentence `wrong`, who is logged in and does not know the own password."""
    key = (visit.villager.name, "change")
    with trying((visit.site.of_account, key)) as attempt:
        if attempt.seconds:
            raise Refused(429, wrong)
        known = accounts.authenticate(visit.store, visit.villager.name, password)
        attempt.failed = known is None
    if known is None:
        raise Refused(403, wrong)
