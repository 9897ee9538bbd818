# SPDX-License-Identifier: Apache-2.0
"""How much of a mail's head travels."""

from mokanda_relay.rendering.mail_reader import read


def test_a_thousand_recipients_are_twenty_and_a_number() -> None:
    people = ",\n ".join(f"Personne {n} <p{n}@example.org>" for n in range(300))
    message = read(f"To: {people}\nCc: x@example.org\nSubject: tous\n\nMbote".encode()).message
    assert [each.address for each in message.to] == [f"p{n}@example.org" for n in range(20)]
    assert (message.cc, message.others, message.text) == ((), 281, "Mbote")


def test_what_is_short_stays() -> None:
    message = read(b"To: a@x.example\nCc: b@x.example\nSubject: Mbote\n\nx").message
    assert (len(message.to), len(message.cc), message.others) == (1, 1, 0)
    assert message.subject == "Mbote"


def test_long_names_and_subjects_are_cut() -> None:
    message = read(f"From: {'n' * 900} <a@x.example>\nSubject: {'s' * 900}\n\nx".encode()).message
    assert (len(message.sender.name), len(message.subject)) == (100, 300)
    assert message.subject.endswith("…")
