# SPDX-License-Identifier: Apache-2.0
"""Secrets that people write down and type in again on a small keyboard."""

import re
import secrets

# Without characters that look like one another: 31 of them, 20 bits in a group of four.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def make(groups: int) -> str:
    """Make a secret of groups of four, like abcd-efgh."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(groups))


def simplified(text: str) -> str:
    """Return what stays the same however a secret is typed."""
    return re.sub(r"[\W_]", "", text).lower()
