# SPDX-License-Identifier: Apache-2.0
"""Codes that people write down and type in again on a small keyboard.

They recover an account, let one register, and are passwords until a villager chooses one.
"""

import re
import secrets

# Without characters that look like one another: 31 of them, 20 bits in a group of four.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_code(groups: int) -> str:
    """Make a code of groups of four, like abcd-efgh."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(groups))


def normalized(text: str) -> str:
    """Return what stays the same however a code is typed."""
    return re.sub(r"[\W_]", "", text).lower()
