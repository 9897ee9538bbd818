# SPDX-License-Identifier: Apache-2.0
"""The world's HTML as text: no markup of a stranger's ever leaves the relay.

A village reads mail as text (see docs/decisions/0004-html.md). What a mail says is read by the
sanitiser's parser, which is a browser's, so that broken markup loses no words.
"""

from __future__ import annotations

import nh3

from mokanda_wire.message import html_to_text

# What has a meaning as text; everything else is taken off, and its words stay.
_TAGS = {
    *("a", "b", "blockquote", "br", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5"),
    *("h6", "hr", "i", "img", "li", "ol", "p", "pre", "strong", "table", "td", "tr", "ul"),
}
_ATTRIBUTES = {"a": {"href"}, "img": {"alt", "src"}}
# Whose content is no words.
_WITHOUT_WORDS = {"script", "style", "template", "title"}
# The parser takes time by the square of tags that are not closed in their order, of escapes, and of
# a tag's attributes; longer pages than these are newsletters' at most, and read by our own reader.
_MAX_TAGS = 5_000
_MAX_LENGTH = 512 * 1024  # characters


def read_html(html: str) -> str:
    """Say what an HTML mail says, as text."""
    if len(html) > _MAX_LENGTH or html.count("<") + html.count("&") > _MAX_TAGS:
        return html_to_text(html)
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_WITHOUT_WORDS,
        url_schemes={"cid", "http", "https", "mailto"},
        link_rel=None,
    )
    return html_to_text(safe) or html_to_text(html)
