# SPDX-License-Identifier: Apache-2.0
"""Which of several renderings of one text is read (RFC 2046, 5.1.4).

The plain one, for it is the writer's own and short; but not where it is an excuse ("your program
cannot show HTML") and the news stands in the page.
"""

import re

# Renderings that stand beside a text for programs that are none of ours.
UNREAD_TYPES = (
    *("text/calendar", "application/ics", "text/x-amp-html", "text/watch-html"),
    "text/vnd.google.email-reaction+json",
    *("text/rtf", "application/rtf"),
)

_EXCUSE = 300  # characters; a longer text is none
_LOOKED_AT = 20_000  # characters of each
_TARGET = re.compile(r"<[^<>\s]*>|https?://\S+")
_WORD = re.compile(r"\w+")


def better_text(plain: str, html: str) -> str:
    """One of the two, of which the second was made of HTML."""
    said, shown = _words(plain), _words(html)
    if 2 * len(said & shown) >= len(shown):  # nor is there anything in an empty page
        return plain if plain.strip() else html
    return html if len(plain) < _EXCUSE or len(shown) > 2 * len(said) else plain


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_TARGET.sub(" ", text[:_LOOKED_AT].lower())))
