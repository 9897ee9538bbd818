# SPDX-License-Identifier: Apache-2.0
"""Moments in a text that is made here: readable as they are, and put into a village's time later.

A mail is read once for all villages; each has the times of an invitation by its own clock.
"""

import datetime as dt
import re

_MARK = "\u2063"  # takes no room, and no keyboard has it
_MOMENT = re.compile(rf"{_MARK}(\d{{4}}-\d\d-\d\d \d\d:\d\d) UTC{_MARK}")
_FORM = "%Y-%m-%d %H:%M"


def marked(moment: dt.datetime) -> str:
    """A moment as text, in UTC; without a mark where nobody knows its zone.

    Raises:
        ValueError, OverflowError: UTC has no such moment.
    """
    if moment.tzinfo is None:
        return moment.strftime(_FORM)
    return f"{_MARK}{moment.astimezone(dt.UTC).strftime(_FORM)} UTC{_MARK}"


def localised(text: str, zone: dt.tzinfo) -> str:
    """Put the marked moments of a text into a zone's time."""
    if _MARK not in text:
        return text
    return _MOMENT.sub(lambda found: _in_zone(found[1], zone), text)


def _in_zone(moment: str, zone: dt.tzinfo) -> str:
    try:
        return (
            dt.datetime.strptime(f"{moment} +0000", f"{_FORM} %z").astimezone(zone).strftime(_FORM)
        )
    except (ValueError, OverflowError):
        return f"{moment} UTC"
