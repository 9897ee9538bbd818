# SPDX-License-Identifier: Apache-2.0
"""What a mail holds that its reader does not see: previews for lists of mails, and fillers."""

import re
from collections.abc import Mapping

_ZERO = re.compile(r"0(?:\.0+)?(?:px|pt|em|rem|%)?|1px")  # or next to nothing
_RELATIVE = re.compile(r"|inherit|smaller|larger|[\d.]{1,20}(?:em|%)")  # to what is around it
# Characters that take no room. Newsletters set rows of them behind what a list of mails is to show;
# single ones have a meaning in Persian, Khmer or an emoji.
_UNSEEN = "\u034f\u115f\u200b-\u200d\u2060-\u2064\u3164"
_FILLERS = re.compile(f"[{_UNSEEN}](?:[ \xa0\u2000-\u200a]*[{_UNSEEN}])+[ \xa0\u2000-\u200a]*")
_NEVER = {0x00AD: None, 0xFFFC: None, 0xFEFF: None}  # soft hyphens, objects, byte order marks


def is_hidden(attributes: Mapping[str, str], style: Mapping[str, str]) -> bool:
    """Whether a reader sees nothing of an element, nor of what is in it.

    `mso-hide` does not count: it hides from Outlook alone, above all buttons, which have a second
    shape for it in a comment.
    """
    nothing = _ZERO.fullmatch
    return (
        "hidden" in attributes
        or style.get("display") == "none"
        or style.get("visibility") in {"hidden", "collapse"}
        or bool(nothing(style.get("opacity", "")))
        or bool(nothing(style.get("max-height", "")))
        or (style.get("overflow") == "hidden" and bool(nothing(style.get("height", ""))))
    )


def letters_without_size(style: Mapping[str, str], inherited: bool) -> bool:
    """Whether an element's letters have no size: layouts set it to 0, and again within."""
    size = style.get("font-size", "")
    if _ZERO.fullmatch(size):
        return True
    return inherited and "font" not in style and bool(_RELATIVE.fullmatch(size))


def without_fillers(text: str) -> str:
    """Take away what takes no room, or stands for an object that is not there."""
    return _FILLERS.sub(" ", text.translate(_NEVER))
