# SPDX-License-Identifier: Apache-2.0
"""What docs/keeper.md says of lights and sentences is what the box shows and says."""

import re
from pathlib import Path

from mokanda_firmware.bus.states import LightsState
from mokanda_firmware.lights.table import DARK, FAST, FLASH, PATTERNS, SLOW, STEADY, WINK
from mokanda_firmware.webmail.wording import legend
from scripts.languages import catalogues

KEEPER = (Path(__file__).parents[3] / "docs" / "keeper.md").read_text()
BLINKS = {
    "off": DARK,
    "steady": STEADY,
    "slow": SLOW,
    "fast": FAST,
    "on, with a short wink": WINK,
    "short flash": FLASH,
}


def rows(head: str) -> list[list[str]]:
    """The table that begins so, without its head."""
    table = KEEPER[KEEPER.index(head) :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n")[2:]]


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def test_the_table_of_lights_has_every_state_with_its_pattern_and_meaning() -> None:
    told = {(BLINKS[green], BLINKS[red]): means for green, red, means in rows("| green |")}
    assert words(told.pop((DARK, DARK))) == words("It has no power.")
    assert len(told) == len(LightsState)
    for state in LightsState:
        pattern = PATTERNS[state]
        means = told[pattern.get("green", DARK), pattern.get("red", DARK)]
        assert words(legend.MEANINGS[state]).startswith(words(means))


def test_what_the_keeper_is_said_to_see_is_what_the_pages_say() -> None:
    quoted = [found[1] for seen, _ in rows("| you see |") if (found := re.match('"(.+)"', seen))]
    assert len(quoted) > 5
    said = [words(str(text.id)) for text in catalogues.source_texts() if text.id]
    unsaid = [each for each in quoted if not any(text.startswith(words(each)) for text in said)]
    assert unsaid == []
