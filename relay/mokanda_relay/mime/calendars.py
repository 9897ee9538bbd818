# SPDX-License-Identifier: Apache-2.0
"""Invitations (iCalendar, RFC 5545) as text: what, when, where, from whom."""

import datetime as dt
from contextlib import suppress

from icalendar import Calendar, Component

from mokanda_relay.mime.moments import marked
from mokanda_wire.text import clean, one_line

_MAX_EVENTS = 10
_MAX_WORDS = 300  # characters of a name or place
_MAX_DESCRIPTION = 2000


def calendar_to_text(text: str) -> str:
    """Say what the events of a calendar are.

    Raises:
        ValueError: it is no calendar, or holds no event.
    """
    calendar = Calendar.from_ical(text)
    cancelled = str(calendar.get("method", "")).upper() == "CANCEL"
    events = [_event(each, cancelled) for each in calendar.walk("VEVENT")[:_MAX_EVENTS]]
    if not any(events):
        raise ValueError("no event")
    return "\n\n".join(filter(None, events))


def _event(event: Component, cancelled: bool) -> str:
    what = _words(event, "summary")
    if cancelled or _words(event, "status").upper() == "CANCELLED":
        what = f"~{what}~ (CANCELLED)"
    where = _words(event, "location")
    lines = [what, _when(event), f"@ {where}" if where else "", _organizer(event)]
    description = clean(str(event.get("description", ""))).strip()[:_MAX_DESCRIPTION]
    return "\n".join(filter(None, (*lines, description)))


def _words(event: Component, name: str) -> str:
    return one_line(clean(str(event.get(name, ""))))[:_MAX_WORDS]


def _when(event: Component) -> str:
    moments = [_moment(event, "dtstart"), _moment(event, "dtend")]
    when = " - ".join(dict.fromkeys(filter(None, moments)))
    rule = event.get("rrule")
    often = rule.get("freq") if hasattr(rule, "get") else None
    return f"{when} ({', '.join(map(str, often))})" if often else when


def _moment(event: Component, name: str) -> str:
    with suppress(AttributeError, ValueError, KeyError, OverflowError):
        moment = event.get(name).dt
        if isinstance(moment, dt.datetime):
            return marked(moment)
        return str(moment)
    return ""


def _organizer(event: Component) -> str:
    organizer = event.get("organizer")
    if organizer is None:
        return ""
    address = one_line(clean(str(organizer)))[:_MAX_WORDS]
    scheme, _, rest = address.partition(":")
    name = one_line(clean(str(getattr(organizer, "params", {}).get("CN", ""))))[:_MAX_WORDS]
    address = rest if scheme.lower() == "mailto" else address
    return f"{name} <{address}>" if name else address
