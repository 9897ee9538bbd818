# SPDX-License-Identifier: Apache-2.0
"""Who may register: everybody, who has the village's code, or only whom the keeper adds."""

import hmac
from typing import NamedTuple

from mokanda_firmware.mailbox.people import accounts, codes
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import setting

SETTING = "registration"
WAYS = ("open", "code", "closed")


class Rule(NamedTuple):
    """How one joins; `code` is "" unless it takes one."""

    way: str
    code: str = ""

    def lets_in(self, code: str) -> bool:
        """Whether somebody who says this code may register."""
        if self.way == "code":
            typed = codes.normalized(code).encode()
            return hmac.compare_digest(typed, codes.normalized(self.code).encode())
        return self.way == "open"


def rule(store: Store) -> Rule:
    """Return how one joins now; the first one of a device always may."""
    if accounts.count(store) == 0:
        return Rule("open")
    return Rule(**setting(store, SETTING, {"way": "open"}))


def new_rule(way: str) -> dict[str, str]:
    """Make a rule for the store's settings; a code is made anew each time.

    Raises:
        ValueError: there is no such way.
    """
    if way not in WAYS:
        raise ValueError(way)
    code = codes.new_code(2) if way == "code" else ""
    return {"way": way, "code": code}
