# SPDX-License-Identifier: Apache-2.0
"""What the lamps show and mean, made of the very table that they are lit by."""

from typing import NamedTuple

from mokanda_firmware.bus.states import LightsState
from mokanda_firmware.lights.table import DARK, FAST, FLASH, PATTERNS, SLOW, STEADY, WINK, Blink
from mokanda_firmware.webmail.languages import N_, Language

LAMPS = {"green": N_("green"), "red": N_("red")}
BLINKS = {
    DARK: N_("off"),
    STEADY: N_("on"),
    SLOW: N_("blinks slowly"),
    FAST: N_("blinks fast"),
    WINK: N_("on, with a short wink"),
    FLASH: N_("off, with a short flash"),
}
MEANINGS: dict[LightsState, str] = {
    LightsState.READY: N_("All is well."),
    LightsState.MAIL_WAITING: N_("All is well, and letters wait for the next mail run."),
    LightsState.DIALLING: N_("It calls the relay."),
    LightsState.SYNCING: N_("Mail goes and comes."),
    LightsState.NO_CLAIM: N_(
        "It does not belong to a relay yet. The village has its pages; mail leaves once it has a"
        " claim file."
    ),
    LightsState.LATE: N_("No mail run has gone well when it was due. Letters wait here."),
    LightsState.NO_SIGNAL: N_("The modem finds no network."),
    LightsState.NO_MODEM: N_("No modem is plugged in."),
    LightsState.NO_CREDIT: N_(
        "The SIM card's credit seems to be used up. Top it up; the next mail run shows whether it"
        " was that."
    ),
    LightsState.NO_SIM: N_(
        "The modem has no SIM card, or the SIM asks for its PIN. Put the card in again; switch the"
        " PIN off in a phone."
    ),
    LightsState.STARTING: N_("It starts. This takes a minute or two."),
    LightsState.UPDATING: N_(
        "It takes a new version of its software, and restarts by itself. Leave it switched on."
    ),
    LightsState.UNPROVEN: N_(
        "The software did not pass its test at the start. Switch it off and on; if that does not"
        " help, tell the operator."
    ),
    LightsState.DEAD: N_(
        "A part of its software has stopped, and is being started again. If that lasts, switch it"
        " off and on."
    ),
    LightsState.FAULT: N_("Something is wrong, or the last mail run failed. This page says what."),
}
_NO_POWER = N_("It has no power.")
_CELLS, _CELL_SECONDS = 8, 0.25  # of the picture of a lamp: two seconds


class Lamp(NamedTuple):
    """A lamp in a pattern: its colour, what it does in words, and when it is lit, bit by bit."""

    colour: str
    words: str
    lit: tuple[bool, ...]


class Row(NamedTuple):
    """What all lamps show together, and what it means."""

    lamps: tuple[Lamp, ...]
    meaning: str


def rows(language: Language) -> list[Row]:
    """Return every pattern that there is, the one of a device that is well first."""

    def row(pattern: dict[str, Blink], meaning: str) -> Row:
        return Row(
            tuple(_lamp(colour, pattern.get(colour, DARK), language) for colour in LAMPS),
            language.text(meaning),
        )

    shown = [row(pattern, MEANINGS[state]) for state, pattern in reversed(PATTERNS.items())]
    return [*shown, row({}, _NO_POWER)]


def _lamp(colour: str, blink: Blink, language: Language) -> Lamp:
    period = blink.lit + blink.dark
    lit = tuple(cell * _CELL_SECONDS % period < blink.lit for cell in range(_CELLS))
    words = language.text("{lamp}: {blink}").format(
        lamp=language.text(LAMPS[colour]), blink=language.text(BLINKS[blink])
    )
    return Lamp(colour, words, lit)
