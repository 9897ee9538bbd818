# SPDX-License-Identifier: Apache-2.0
"""Files of recipes/ that are the same on every board but for a few words, written @LIKE_THIS@."""

from __future__ import annotations

import re

from scripts.recipes import RecipeError, Soc

_WORD = re.compile(r"@([A-Z_]+)@")


def fill(text: str, soc: Soc) -> str:
    """Put a SoC's words into a text; raises RecipeError for one that it has not."""
    words = {
        "CARD": soc.card_device,
        "CARD_NUMBER": str(soc.card),
        "CONSOLE": soc.console,
        "CONSOLE_DEVICE": soc.console_device,
        "FIT_ADDRESS": f"{soc.fit_address:x}",
        "SELECT_CARD": f"mmc dev {soc.card};" if soc.card else "",  # 0 is taken unasked
        "WATCHDOG": soc.watchdog,
        "WATCHDOG_SECONDS": str(soc.watchdog_seconds),
    }
    unknown = set(_WORD.findall(text)) - words.keys()
    if unknown:
        raise RecipeError(f"nothing to be put in for @{min(unknown)}@")
    return _WORD.sub(lambda found: words[found[1]], text)
