# SPDX-License-Identifier: Apache-2.0
"""Links of the world's mails, as they travel to a village."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.links import target_of, with_short_links
from mokanda_relay.mime.parse import parse

TOKEN = "u001.2gsWVrbHk3XoLvjq4ZjRQ-2Bx4" * 10  # 310 characters, as SendGrid's
SENDGRID = f"https://u12345678.ct.sendgrid.net/ls/click?upn={TOKEN}"
MAILCHIMP = (
    "https://ecole.us5.list-manage.com/track/click?u=0123456789abcdef012345678&id=%d&e=9876543210"
)
BREVO = "https://jx2q9.r.sp1-brevo.net/mk/cl/f/sh/7nVU1aA2nfsTSVrJD0aYgGxmWpS/" + "Zk9%d" * 12
ZOOM = "https://us02web.zoom.us/j/81234567890?pwd=TFRZc0pLdUxGZ3lYbFN0dW9zNGpJUT09bGxvbmdlcg.1"
ARTICLE = (
    "https://journal.example/2026/11/27/le-marche-de-kimpese-rouvre-ses-portes-apres-la-pluie"
    "-et-les-prix-baissent"
)


@pytest.mark.parametrize(
    ("link", "text"),
    [
        ("https://example.org/marche?jour=samedi", "https://example.org/marche?jour=samedi"),
        (ARTICLE, ARTICLE),
        (
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fecole.example%2Fprix"
            "&data=05%7C01%7C%7C1234567890abcdef1234567890abcdef%7C0&sdata=abc%3D&reserved=0",
            "https://ecole.example/prix",
        ),
        ("https://www.google.com/url?q=https://ecole.example/a%3Fb%3D1&sa=D", "https://ecole.example/a?b=1"),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fecole.example%2F&h=AT0", "https://ecole.example/"),
        ("https://x1.r.eu-west-1.awstrack.me/L0/https:%2F%2Fecole.example%2Freset%3Ft=a/1/01020/s=398",
         "https://ecole.example/reset?t=a"),
        ("https://ecole.example/a?utm_source=x&id=3&utm_medium=email#b", "https://ecole.example/a?id=3#b"),
        ("https://ecole.example/?utm_source=x", "https://ecole.example/"),
    ],
)  # fmt: skip
def test_a_link_that_can_be_read_is_written_whole(link: str, text: str) -> None:
    mail = "\n".join([link] + [MAILCHIMP % number for number in range(10)])
    assert with_short_links(mail).split("\n")[0] == text


@pytest.mark.parametrize("link", [SENDGRID, MAILCHIMP % 1, ZOOM])
def test_few_links_work_however_long(link: str) -> None:
    mail = f"Pour choisir un nouveau mot de passe: {link}."
    assert with_short_links(mail) == mail


def test_an_endless_link_becomes_its_host() -> None:
    assert with_short_links(f"Ici: https://ecole.example/?t={'a1' * 400}") == "Ici: ecole.example/…"


@pytest.mark.parametrize(
    ("tracker", "host"),
    [
        (MAILCHIMP, "ecole.us5.list-manage.com"),
        (BREVO.replace("%d", "8", 11), "jx2q9.r.sp1-brevo.net"),
        (SENDGRID + "%d", "u12345678.ct.sendgrid.net"),
        ("https://url1234.ecole.example/ls/click?upn=%d" + TOKEN, "url1234.ecole.example"),
        ("https://www.reseau.example/comm/nouvelles?n=%d&midSig=" + "aB-" * 60, "reseau.example"),
        ("https://user:word@evil.example/%d?to=bank.example&" + "a1" * 40, "evil.example"),
    ],
)  # fmt: skip
def test_the_trackers_of_a_newsletter_become_their_hosts(tracker: str, host: str) -> None:
    links = [tracker % number for number in range(21)]
    mail = "".join(f"Article <{link}>\n" for link in links)
    assert with_short_links(mail) == f"Article <{host}/…>\n" * 21


def test_the_pictures_of_a_newsletter_do_not_repeat_its_links() -> None:
    mail = "".join(f"<{MAILCHIMP % n}>\nArticle {n} <{MAILCHIMP % n}>\n\n" for n in range(4))
    host = "<ecole.us5.list-manage.com/…>"
    assert with_short_links(mail) == "".join(f"Article {n} {host}\n\n" for n in range(4))
    alone = "".join(f"Article {n}:\n<{MAILCHIMP % n}>\n" for n in range(4))
    assert with_short_links(alone) == "".join(f"Article {n}:\n{host}\n" for n in range(4))


def test_what_a_sentence_ends_with_is_no_part_of_a_link() -> None:
    text = "Voyez (https://fr.wikipedia.org/wiki/Boende_(ville)), et https://example.org/?utm_id=a."
    assert with_short_links(text) == (
        "Voyez (https://fr.wikipedia.org/wiki/Boende_(ville)), et https://example.org/."
    )


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("//example.org/x", "https://example.org/x"),
        ("www.example.org", "https://www.example.org"),
        ("HTTPS://example.org/<x>", "HTTPS://example.org/%3Cx%3E"),
        (" https://example.org/\n x", "https://example.org/x"),
        ("mailto:marie@example.org", "marie@example.org"),
        ("mailto:marie@example.org?subject=Prix%20du%20sel",
         "mailto:marie@example.org?subject=Prix%20du%20sel"),
        ("tel:+243-81-000-0000", "+243-81-000-0000"),
        ("tel:%2B243810000000", "+243810000000"),
        ("sms:+243810000000?body=oui", "+243810000000"),
        ("tel:<b>", ""),
        ("javascript:x()", ""),
        ("data:text/html,x", ""),
        ("prix.html", ""),
        ("#prix", ""),
    ],
)  # fmt: skip
def test_links_of_a_page_are_told_by_where_they_lead(reference: str, target: str) -> None:
    assert target_of(reference) == target


def test_plain_text_travels_without_trackers_and_fillers() -> None:
    trackers = "\n".join(MAILCHIMP % number for number in range(9))
    raw = (
        f"Content-Type: text/plain; charset=utf-8\n\nMbote\u034f \u200c \u034f \u200c !\n{trackers}"
    )
    message, _ = parse(raw.encode())
    assert message.text == "Mbote !\n" + "\n".join(["ecole.us5.list-manage.com/…"] * 9)


@given(st.text('htps:/.?=&a1_-%<>"()\u00e9 \n', max_size=300))
def test_links_are_written_once_and_for_all(text: str) -> None:
    short = with_short_links(f"https://a.example/?utm_id=1&url={text}")
    assert with_short_links(short) == short
