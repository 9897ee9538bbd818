# SPDX-License-Identifier: Apache-2.0
"""What a letter's text refers to, as links: pages, addresses to write to, numbers to call.

What is written on a link is where it leads, so that it is seen before it is opened. Within words
that run to the left, numbers and addresses would be set in a wrong order: they have their own.
"""

import re
from collections.abc import Callable
from html import escape
from urllib.parse import parse_qs, unquote, urlencode

from mokanda_wire.text import bare_link

_MAX_MAILTO = 1000  # characters of what a link of mail has filled in
# What ends a link: blanks, brackets, and what turns the writing round, so that it reads otherwise.
_END = r"\s<>\"\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Compiled by the first letter: the webmail starts without.
_LINK = (
    rf"""(?P<web>https?://[^{_END}]{{1,2000}}|(?<![\w@./:-])www\.[^{_END}@]{{4,2000}})
      |(?P<mailto>mailto:[^{_END}]{{3,1000}})
    """
    r"""
      |(?P<mail>(?<![\w.+/@-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}\b)
      |(?P<phone>(?<![\w+.,:/()#-])(?<!\d[ ])(?:\+|00?)[1-9][\d ().-]{6,22}\d(?![\w%]|[.,:/-]\w))
    """
)
_BEHIND = ".,;:!?)]}'*_~…"  # what a sentence ends with, and no link
_TIME = re.compile(r"0?\d[ .-]\d\d?[ .-](?:19|20)\d\d(?!\d)|\d\d?\.\d\d ?- ?\d")
_MONEY = re.compile(r" ?(?:(?:FC|F|CDF|XAF|XOF|USD|EUR)\b|[$€£])", re.IGNORECASE)


def linked(line: str, written: Callable[[str], str]) -> str:
    """Write a line as HTML, its links as such, and by `written` what is between them."""
    parts, at = [], 0
    for found in re.finditer(_LINK, line, re.VERBOSE | re.IGNORECASE):
        kind = str(found.lastgroup)
        text = bare_link(found[0], _BEHIND) if kind in ("web", "mailto") else found[0]
        link = _LINKS[kind](text, line[found.end() : found.end() + 5])
        if link:
            parts += [written(line[at : found.start()]), link]
            at = found.start() + len(text)
    return "".join([*parts, written(line[at:])])


def _to_page(address: str, _behind: str) -> str:
    whole = f"https://{address}" if address[:4].lower() == "www." else address
    if whole.endswith("://"):
        return ""
    elsewhere = 'target="_blank" rel="noreferrer noopener"'
    return f'<a dir="ltr" href="{escape(whole)}" {elsewhere}>{escape(address)}</a>'


def _to_write(address: str, _behind: str) -> str:
    return f'<a href="/write?{escape(urlencode({"to": address}))}">{escape(address)}</a>'


def _to_write_about(link: str, _behind: str) -> str:
    """Open our own form with what a link of mail fills in; its writer sees it before it is sent."""
    address, _, rest = link.partition(":")[2].partition("?")
    asked = parse_qs(rest[:_MAX_MAILTO], max_num_fields=20) if rest.count("&") < 20 else {}
    names = {"subject": "subject", "body": "text", "cc": "cc"}
    fields = {ours: asked[theirs][0] for theirs, ours in names.items() if theirs in asked}
    fields = {"to": unquote(address), **fields}
    return f'<a href="/write?{escape(urlencode(fields))}">{escape(fields["to"])}</a>'


def _to_call(number: str, behind: str) -> str:
    """Nothing for what is no clear number of a phone: a date, a price, an account."""
    country = number.startswith("+")
    # The 0 of "+243 (0)81" is dialled within the country alone.
    digits = re.sub(r"\D", "", number.replace("(0)", "") if country else number)
    if not 8 <= len(digits) <= (15 if country or digits.startswith("00") else 12):
        return ""
    if _TIME.match(number) or " - " in number or (not country and _MONEY.match(behind)):
        return ""
    return f'<a dir="ltr" href="tel:{"+" if country else ""}{digits}">{escape(number)}</a>'


_LINKS = {"web": _to_page, "mailto": _to_write_about, "mail": _to_write, "phone": _to_call}
