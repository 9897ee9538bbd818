# SPDX-License-Identifier: Apache-2.0
"""What mail programs write into a text where a picture stands in the page beside it."""

import re
from collections.abc import Iterable

from mokanda_wire.message import Attachment

_PICTURE = r"\.(?:avif|bmp|gif|heic|jpe?g|png|svg|tiff?|webp)"
_MARKS = re.compile(
    rf"""\[(?:cid|image|inline):(?P<outlook>[^\[\]]{{1,300}})\]
      |<cid:(?P<id>[^<>\s]{{1,300}})>
      |<(?P<apple>[\w\ .()-]{{1,100}}{_PICTURE})>
      |\(Embedded\ image\ moved\ to\ file:(?P<notes>[^()]{{1,100}})\)
      |\[https?://[^\[\]\s<>]{{1,1000}}{_PICTURE}(?:\?[^\[\]\s<>]{{0,1000}})?\]
      |\[[^\[\]]{{0,300}}Description\ automatically\ generated[^\[\]]{{0,50}}\]
    """,
    re.IGNORECASE | re.VERBOSE,
)
_GONE = "\0"  # no text holds it
_BLANK_LINES = re.compile(r"\n{3,}")


def without_picture_marks(text: str, files: Iterable[Attachment]) -> str:
    """Leave the marks out, but name the pictures that are among the files; unless all is marks."""
    known = {name.lower(): each.name for each in files for name in (each.name, each.content_id)}

    def named(found: re.Match[str]) -> str:
        name = " ".join(next(filter(None, found.groups()), "").split()).lower()
        return f"[{known[name]}]" if name and name in known else _GONE

    lines = _MARKS.sub(named, text).split("\n")
    kept = [line for line in lines if _GONE not in line or line.strip(f"> \t{_GONE}")]
    words = "\n".join(kept).replace(_GONE, "")
    if not words.strip("> \n"):
        return words if known else text
    return _BLANK_LINES.sub("\n\n", words) if len(kept) < len(lines) else words
