# SPDX-License-Identifier: Apache-2.0
"""The world's HTML as text: no markup of a stranger's ever leaves the relay.

A village reads mail as text (see docs/decisions/0004-html.md). What a mail says is read by the
sanitiser's parser, which is a browser's, so that broken markup loses no words.
"""

import re

import nh3

from mokanda_relay.mime.page_reader import PageReader
from mokanda_relay.mime.styles import Styles
from mokanda_relay.mime.tags import End, Start, Words, read_tags
from mokanda_wire.text import clean, one_line

# What has a meaning as text, or may hide what is in it; everything else is taken off, and its words
# stay.
_TAGS = {
    *("a", "address", "area", "article", "aside", "b", "big", "blockquote", "br", "caption"),
    *("center", "dd", "del", "div", "dl", "dt", "em", "fieldset", "figure", "font", "footer"),
    *("form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "li", "main"),
    *("nav", "ol", "p", "pre", "q", "s", "section", "small", "span", "strike", "strong", "sub"),
    *("button", "details", "dialog", "legend", "option", "summary", "textarea"),
    *("sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}
_ATTRIBUTES = {
    "*": {"class", "dir", "hidden", "id", "style"},
    "a": {"href"},
    "area": {"alt", "href"},
    "img": {"alt", "src"},
    "li": {"value"},
    "ol": {"reversed", "start", "type"},
    "table": {"border"},
}
# Whose content is no words.
_WITHOUT_WORDS = {"script", "style", "template", "title"}
# The parser takes time by the square of tags that are not closed in their order, of escapes, and of
# a tag's attributes; longer pages than these are newsletters' at most, and read by our own reader.
_MAX_TAGS = 5_000
_MAX_LENGTH = 512 * 1024  # characters
# Addresses between angle brackets that are no tags.
_BARE = re.compile(r"<([\w.+-]{1,64}@[\w.-]{1,100}|https?://[^<>\s\"]{1,500})>")
_SURROGATES = re.compile(
    r"&#(x?)(d[89ab]..|5[56]\d{3});&#(x?)(d[c-f]..|5[67]\d{3});", re.IGNORECASE
)
_HEAD = 16 * 1024  # characters in which a page says how it is written
_RIGHT_TO_LEFT = re.compile(r"<(?:html|body)\s[^<>]{0,300}\bdir\s*=\s*[\"']?rtl", re.IGNORECASE)


def html_to_text(html: str) -> str:
    """Say what an HTML mail says, without markup; a link's target follows its label."""
    html = _SURROGATES.sub(_joined, html)
    rtl = _RIGHT_TO_LEFT.search(html[:_HEAD]) is not None
    styles = Styles(html)
    if len(html) > _MAX_LENGTH or html.count("<") + html.count("&") > _MAX_TAGS:
        return _read(html, styles, rtl=rtl)
    html = _BARE.sub(r"&lt;\1&gt;", html)
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_WITHOUT_WORDS,
        url_schemes={"cid", "http", "https", "mailto", "sms", "tel"},
        link_rel=None,
    )
    return _read(safe, styles, rtl=rtl) or _read(html, styles, rtl=rtl)


def _joined(halves: re.Match[str]) -> str:
    """The character of which a program has escaped the UTF-16, half by half."""
    try:
        high = int(halves[2], 16 if halves[1] else 10) - 0xD800
        low = int(halves[4], 16 if halves[3] else 10) - 0xDC00
    except ValueError:
        return halves[0]
    is_pair = 0 <= high < 0x400 and 0 <= low < 0x400
    return chr(0x10000 + high * 0x400 + low) if is_pair else halves[0]


def _read(html: str, styles: Styles, *, rtl: bool) -> str:
    reader = PageReader(styles, rtl=rtl)
    for each in read_tags(html):
        match each:
            case Start(name, attributes):
                reader.start(name, attributes)
            case End(name):
                reader.end(name)
            case Words(text):
                reader.words(text)
    return reader.text() or _without_tags(html)


def _without_tags(html: str) -> str:
    words = (each.text for each in read_tags(html) if isinstance(each, Words))
    return one_line(clean(" ".join(words)))
