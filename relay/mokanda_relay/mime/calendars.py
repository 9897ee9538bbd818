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
_ANSWERS = ("REPLY", "COUNTER")
_EVERY = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}


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
    events = [*calendar.walk("VEVENT"), *calendar.walk("VTODO")]
    for event in events[:_MAX_EVENTS]:
        yield _event(event, cancelled=method == "CANCEL", answers=method in _ANSWERS)


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
    end = _moment(event, "dtend") or _moment(event, "due") or _end(event)
    when = " - ".join(dict.fromkeys(filter(None, (_moment(event, "dtstart"), end))))
    rule = event.get("rrule")
    often = _often(rule) if isinstance(rule, dict) else ""
    return f"{when} ({often})" if often else when


def _often(rule: dict[str, list[object]]) -> str:
    """Say how often what is repeated is: "every 2 weeks, MO TH, 10 x"."""

    def said(name: str) -> str:
        return " ".join(_day(each) for each in rule.get(name, []))[:_MAX_WORDS]

    interval, unit = said("INTERVAL"), _EVERY.get(said("FREQ"), "")
    if not unit:
        return ""
    every = f"every {unit}" if interval in ("", "1") else f"every {interval} {unit}s"
    count, until = said("COUNT"), said("UNTIL")
    times = f"{count} x" if count else f"- {until}" if until else ""
    return one_line(clean(", ".join(filter(None, (every, said("BYDAY"), times)))))


def _day(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, dt.date) else str(value)


def _moment(event: Component, name: str) -> str:
    with suppress(AttributeError, TypeError, ValueError, KeyError, OverflowError):
        moment = event.get(name).dt
        if isinstance(moment, dt.datetime):
            return marked(moment)
        if name == "dtend" and moment > event.get("dtstart").dt:
            moment -= dt.timedelta(days=1)  # a day is behind the last one
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
