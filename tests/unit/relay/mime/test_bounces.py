# SPDX-License-Identifier: Apache-2.0
"""What servers of the world say of a mail that they could not deliver."""

from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.bounces import Failure, failures
from mokanda_relay.mime.parse import parse

REPORT = """\
From: Mail Delivery System <MAILER-DAEMON@mx.example.org>
Content-Type: multipart/report; report-type=delivery-status; boundary=q

--q
Content-Type: text/plain

I'm sorry to have to inform you ...
--q
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; jean@example.org
Original-Recipient: rfc822;Jean@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <jean@example.org>: User unknown

Final-Recipient: rfc822; marie@example.org
Action: delayed
Status: 4.4.1

--q
Content-Type: text/rfc822-headers

Message-ID: <1@kitenge.example>
Subject: Mbote

--q--
"""
RETURNED = """\
Content-Type: message/rfc822

From: amina@kitenge.example
Message-ID: <1@kitenge.example>

Mbote
"""
EXIM = """\
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
X-Failed-Recipients: jean@example.org
Auto-Submitted: auto-replied

This message was created automatically by mail delivery software.

  jean@example.org
    host mail.example.org [192.0.2.1]:
    550 5.2.2 mailbox full

------ This is a copy of the message, including all the headers. ------

From: amina@kitenge.example
Message-ID: <1@kitenge.example>
"""
QMAIL = """\
From: MAILER-DAEMON@mx.example.org

Hi. This is the qmail-send program at mx.example.org.

<jean@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

From: amina@kitenge.example
Message-ID: <1@kitenge.example>
"""


def read(raw: str) -> list[Failure]:
    return list(failures(message_from_bytes(raw.encode())))


def test_a_report_names_those_who_did_not_get_it() -> None:
    unknown = "550 5.1.1 <jean@example.org>: User unknown"
    assert read(REPORT) == [Failure("1@kitenge.example", "Jean@example.org", unknown)]


def test_the_mail_may_have_come_back_whole() -> None:
    start, end = REPORT.index("Content-Type: text/rfc822"), REPORT.rindex("--q--")
    assert [each.message_id for each in read(REPORT[:start] + RETURNED + REPORT[end:])] == [
        "1@kitenge.example"
    ]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", # Exchange
         "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found"),
        ("X-Postfix; host mx.example.org said: 550 5.1.1 unknown",
         "host mx.example.org said: 550 5.1.1 unknown"),
        ("5.1.1 User unknown", "5.1.1 User unknown"),  # Zoho
    ],
)  # fmt: skip
def test_a_diagnosis_is_the_servers_whole_answer(said: str, reason: str) -> None:
    raw = REPORT.replace("smtp; 550 5.1.1 <jean@example.org>: User unknown", said)
    assert [each.reason for each in read(raw)] == [reason]


def test_a_report_may_be_in_letters_of_the_world() -> None:
    raw = REPORT.replace("message/delivery-status", "message/global-delivery-status")
    raw = raw.replace("text/rfc822-headers", "message/global-headers")
    raw = raw.replace("Original-Recipient: rfc822;Jean", "Original-Recipient: utf-8;Jean")
    assert [each.recipient for each in read(raw)] == ["Jean@example.org"]
    assert parse(raw.encode())[0].text == "I'm sorry to have to inform you ..."


@pytest.mark.parametrize(
    "told",
    [
        ("Reporting-MTA: dns; mx", "X-Original-Message-ID: <1@kitenge.example>"),  # Gmail
        ("From: Mail", "In-Reply-To: <1@kitenge.example>\nFrom: Mail"),
    ],
)
def test_which_letter_it_was_may_stand_elsewhere(told: tuple[str, str]) -> None:
    raw = REPORT.replace("Message-ID: <1@kitenge.example>\n", "").replace(*told)
    assert [each.message_id for each in read(raw)] == ["1@kitenge.example"]


def test_a_status_stands_for_a_missing_diagnosis() -> None:
    raw = REPORT.replace("Diagnostic-Code: smtp; 550 5.1.1 <jean@example.org>: User unknown\n", "")
    assert [each.reason for each in read(raw)] == ["5.1.1"]


def test_exim_names_people_in_its_words_alone() -> None:
    raw = EXIM.replace("X-Failed-Recipients: jean@example.org\n", "").replace(
        "\n------", "  bako@exemple.org\n    Unrouteable address\n\n------"
    )
    assert read(raw) == [
        Failure("1@kitenge.example", "jean@example.org", "550 5.2.2 mailbox full"),
        Failure("1@kitenge.example", "bako@exemple.org", "Unrouteable address"),
    ]


YAHOO = """\
From: MAILER-DAEMON@yahoo.com

Sorry, we were unable to deliver your message to the following address.

<jean@example.org>:
554: delivery error: This user doesn't have an account

--- Below this line is a copy of the message.

From: amina@kitenge.example
Message-ID: <1@kitenge.example>
"""


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (YAHOO, "554: delivery error: This user doesn't have an account"),
        (EXIM, "550 5.2.2 mailbox full"),
        (QMAIL, "Sorry, no mailbox here by that name. (#5.1.1)"),
    ],
)
def test_old_servers_say_it_in_words_of_their_own(raw: str, reason: str) -> None:
    assert read(raw) == [Failure("1@kitenge.example", "jean@example.org", reason)]


@pytest.mark.parametrize(
    "raw",
    [
        REPORT.replace("Action: failed", "Action: delayed"),
        REPORT.replace("Message-ID: <1@kitenge.example>\n", ""),
        EXIM.replace("Mailer-Daemon@mx", "jean@mx"),
        "From: jean@example.org\n\n<a@b.example>:\nSorry\n",
    ],
)
def test_other_mail_is_no_bounce(raw: str) -> None:
    assert read(raw) == []


LINES = st.sampled_from([*REPORT.splitlines(), *QMAIL.splitlines()])


@given(st.lists(LINES, max_size=40))
def test_no_bounce_is_too_broken(lines: list[str]) -> None:
    for each in read("\n".join(lines)):
        assert each.message_id
        assert "@" in each.recipient
