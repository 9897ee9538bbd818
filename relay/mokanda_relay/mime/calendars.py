# SPDX-License-Identifier: Apache-2.0
"""Invitations (iCalendar, RFC 5545) as text: what, when, where, from whom."""

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress

from icalendar import Calendar, Component

from mokanda_relay.mime.moments import marked
from mokanda_wire.text import clean, one_line

_MAX_EVENTS = 10
_MAX_WORDS = 300  # characters of a name or place
_MAX_DESCRIPTION = 2000


class CalendarError(ValueError):
    """It is no calendar, or holds no event."""


def calendar_to_text(text: str) -> str:
    """Say what the events of a calendar are.

    Raises:
        CalendarError: there are none.
    """
    try:
        events = list(_events(Calendar.from_ical(text)))
    except Exception as error:  # the parser raises many kinds
        raise CalendarError(str(error)[:200]) from error
    if not any(events):
        raise CalendarError("no event")
    return "\n\n".join(filter(None, events))


def _events(calendar: Component) -> Iterator[str]:
    method = str(calendar.get("method", "")).upper()
    for event in calendar.walk("VEVENT")[:_MAX_EVENTS]:
        yield _event(event, cancelled=method == "CANCEL", answers=method == "REPLY")


def _event(event: Component, *, cancelled: bool, answers: bool) -> str:
    what = _words(event, "summary")
    if cancelled or _words(event, "status").upper() == "CANCELLED":
        what = f"~{what}~ (CANCELLED)"
    where = _words(event, "location")
    lines = [what, _when(event), f"@ {where}" if where else "", _person(event.get("organizer"))]
    if answers:
        lines += (*map(_answer, _attendees(event)), _words(event, "comment"))
    description = clean(str(event.get("description", ""))).strip()[:_MAX_DESCRIPTION]
    return "\n".join(filter(None, (*lines, description)))


def _words(event: Component, name: str) -> str:
    return one_line(clean(str(event.get(name, ""))))[:_MAX_WORDS]


def _when(event: Component) -> str:
    moments = [_moment(event, "dtstart"), _moment(event, "dtend") or _end(event)]
    when = " - ".join(dict.fromkeys(filter(None, moments)))
    rule = event.get("rrule")
    often = rule.to_ical().decode()[:_MAX_WORDS] if hasattr(rule, "to_ical") else ""
    return f"{when} ({often})" if often else when


def _moment(event: Component, name: str) -> str:
    with suppress(AttributeError, ValueError, KeyError, OverflowError):
        moment = event.get(name).dt
        if isinstance(moment, dt.datetime):
            return marked(moment)
        return str(moment)
    return ""


def _end(event: Component) -> str:
    with suppress(AttributeError, TypeError, ValueError, OverflowError):
        return marked(event.get("dtstart").dt + event.get("duration").dt)
    return ""


def _attendees(event: Component) -> list[object]:
    found = event.get("attendee", [])
    return list(found) if isinstance(found, list) else [found]


def _answer(attendee: object) -> str:
    said = str(getattr(attendee, "params", {}).get("PARTSTAT", ""))
    return f"{_person(attendee)}: {one_line(clean(said))[:_MAX_WORDS]}"


def _person(person: object) -> str:
    if person is None:
        return ""
    address = one_line(clean(str(person)))[:_MAX_WORDS]
    scheme, _, rest = address.partition(":")
    name = one_line(clean(str(getattr(person, "params", {}).get("CN", ""))))[:_MAX_WORDS]
    address = rest if scheme.lower() == "mailto" else address
    return f"{name} <{address}>" if name else address
