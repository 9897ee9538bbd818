# SPDX-License-Identifier: Apache-2.0
"""How mail programs mark a subject: as answered, or passed on, in the languages of the world."""

import re

_MAX_MARKS = 200  # characters at the beginning of a subject that are looked at
_MARK = re.compile(
    r"\s*(?:re|ré|res|resp|rép|rep|aw|antw|sv|vs|odp|ynt|rif"  # answered
    r"|fwd?|tr|wg|vb|vl|enc|rv|pd|doorst"  # passed on
    # The same in Arabic and Chinese.
    r"|\u0631\u062f|\u0625\u0639\u0627\u062f\u0629 \u062a\u0648\u062c\u064a\u0647"
    r"|\u56de\u590d|\u7b54\u590d|\u8f6c\u53d1)"
    r"\s*(?:\[\d{1,4}\]|\(\d{1,4}\))?\s*[:\uff1a]\s*",
    re.IGNORECASE,
)


def bare(subject: str) -> str:
    """A subject without its marks, however many there are."""
    beginning, at = subject[:_MAX_MARKS], 0
    while mark := _MARK.match(beginning, at):
        at = mark.end()
    return subject[at:]
