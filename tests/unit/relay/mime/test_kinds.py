# SPDX-License-Identifier: Apache-2.0
"""Kinds of text besides plain ones and pages."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from mokanda_relay.mime.enriched import enriched_to_text
from mokanda_relay.mime.flowed import unflowed
from mokanda_relay.mime.moments import localised, marked
from mokanda_relay.mime.parse import parse

KINSHASA = ZoneInfo("Africa/Kinshasa")


@pytest.mark.parametrize(
    ("flowed", "text"),
    [
        ("un long \nparagraphe\n\nfin", "un long paragraphe\n\nfin"),
        ("> cité \n> encore\n>> plus \n>> loin\n> autre", "> cité encore\n>> plus loin\n> autre"),
        ("> cité \nréponse", "> cité\nréponse"),
        ("> un \n> > deux \n> trois", "> un\n>> deux\n> trois"),
        ("mot \n-- \nMarie", "mot\n-- \nMarie"),
        (" From ici\n  deux", "From ici\n deux"),
    ],
)
def test_paragraphs_are_put_together(flowed: str, text: str) -> None:
    assert unflowed(flowed, delete_space=False) == text


def test_no_word_and_no_link_stays_cut_in_two() -> None:
    flowed = "coup \né, et https://x.example/abc \ndef"
    assert unflowed(flowed, delete_space=True) == "coupé, et https://x.example/abcdef"


def test_enriched_text_is_text() -> None:
    text = "<bold>Bonjour</bold> du\nvieux <<mail>\n\n<color><param>red</param>fin</color>"
    assert enriched_to_text(text) == "Bonjour du vieux <mail>\nfin"


INVITATION = """Content-Type: text/calendar; charset=utf-8; method=REQUEST

BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
UID:1
DTSTART:20261205T090000Z
DTEND:20261205T100000Z
SUMMARY:Réunion du comité
LOCATION:Centre de santé\\, Boende
ORGANIZER;CN=Marie Dupont:mailto:marie@example.org
DESCRIPTION:Apporter\\nles cahiers
END:VEVENT
END:VCALENDAR
"""


def test_an_invitation_says_what_when_where_and_from_whom() -> None:
    message, contents = parse(INVITATION.encode())
    assert localised(message.text, KINSHASA) == (
        "Réunion du comité\n2026-12-05 10:00 - 2026-12-05 11:00\n@ Centre de santé, Boende\n"
        "Marie Dupont <marie@example.org>\nApporter\nles cahiers"
    )
    assert not contents


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("DTSTART;VALUE=DATE:20261205", "2026-12-05"),
        ("DTSTART:20261205T090000", "2026-12-05 09:00"),  # by whose clock it does not say
        ("DTSTART;TZID=Europe/Paris:20261205T090000", "2026-12-05 09:00"),
        ("DTSTART:nonsense", "Réunion"),
    ],
)
def test_an_invitations_time_is_the_villages(start: str, said: str) -> None:
    raw = INVITATION.replace("DTSTART:20261205T090000Z", start).replace(
        "DTEND:20261205T100000Z\n", ""
    )
    assert said in localised(parse(raw.encode())[0].text, KINSHASA)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=WEEKLY;BYDAY=SA,SU;COUNT=6", "(every week, SA SU, 6 x)"),
        ("FREQ=MONTHLY;INTERVAL=2;UNTIL=20270130T150000Z", "(every 2 months, - 2027-01-30)"),
    ],
)
def test_an_invitation_says_how_often(rule: str, said: str) -> None:
    assert said in parse(INVITATION.replace("UID:1", f"RRULE:{rule}").encode())[0].text


@pytest.mark.parametrize(("end", "said"), [("20261206", ""), ("20261207", " - 2026-12-06")])
def test_whole_days_end_with_the_last_one(end: str, said: str) -> None:
    raw = INVITATION.replace("DTSTART:20261205T090000Z", "DTSTART;VALUE=DATE:20261205")
    raw = raw.replace("DTEND:20261205T100000Z", f"DTEND;VALUE=DATE:{end}")
    assert f"\n2026-12-05{said}\n@" in parse(raw.encode())[0].text


def test_a_task_is_read_like_an_invitation() -> None:
    raw = INVITATION.replace("VEVENT", "VTODO").replace("DTEND", "DUE")
    assert "Réunion du comité\n" in parse(raw.encode())[0].text


def test_a_cancelled_invitation_says_so() -> None:
    message, _ = parse(INVITATION.replace("METHOD:REQUEST", "METHOD:CANCEL").encode())
    assert "CANCELLED" in message.text


@pytest.mark.parametrize("method", ["REPLY", "COUNTER"])
def test_an_answer_to_an_invitation_says_who_comes(method: str) -> None:
    answer = "ATTENDEE;CN=Jean;PARTSTAT=ACCEPTED:mailto:jean@example.net\nUID:1"
    raw = INVITATION.replace("METHOD:REQUEST", f"METHOD:{method}").replace("UID:1", answer)
    assert "Jean <jean@example.net>: ACCEPTED" in parse(raw.encode())[0].text


def test_what_is_no_calendar_is_a_file() -> None:
    message, contents = parse(b"Content-Type: text/calendar\n\nBEGIN:NOTHING\n")
    assert [each.media_type for each in message.attachments] == ["text/calendar"]
    assert list(contents.values()) == [b"BEGIN:NOTHING\n"]


def test_a_moment_is_readable_before_it_is_put_into_a_zone() -> None:
    moment = marked(dt.datetime(2026, 12, 5, 9, tzinfo=dt.UTC))
    assert "2026-12-05 09:00 UTC" in moment
    assert localised(moment, KINSHASA) == "2026-12-05 10:00"
    assert localised("2026-12-05 09:00 UTC", KINSHASA) == "2026-12-05 09:00 UTC"  # a writer's own
