# SPDX-License-Identifier: Apache-2.0
"""Numbers that come from outside, in an address or a form: none is larger than the store's can be.

SQLite's end at 2^63, and Python reads none of more than 4300 digits.
"""

import re

import bottle

_NUMBER = "[0-9]{1,15}"


def number(text: str) -> int | None:
    """Read a number of the store, None when the text is none."""
    return int(text) if re.fullmatch(_NUMBER, text) else None


def in_addresses(app: bottle.Bottle) -> None:
    """Let `<name:int>` in the address of an app's pages be such a number; others are no page."""
    app.router.add_filter("int", lambda _: (_NUMBER, int, str))
