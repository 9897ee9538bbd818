# SPDX-License-Identifier: Apache-2.0
"""text/enriched (RFC 1896) and text/richtext (RFC 1341, 7.1.3), as text."""

import re

_PARAMETERS = re.compile(r"<param>[^<]*</param>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:nl|np|paragraph)>", re.IGNORECASE)
_TAG = re.compile(r"</?[\w-]{1,60}>")
_NEWLINES = re.compile(r"\n+")


def enriched_to_text(text: str) -> str:
    """Leave out the commands; a single line break is a blank, of more one goes."""
    text = _PARAMETERS.sub("", text.replace("<<", "\0"))
    text = _NEWLINES.sub(lambda found: "\n" * (len(found[0]) - 1) or " ", text)
    return _TAG.sub("", _BREAK.sub("\n", text)).replace("\0", "<").strip()
