# SPDX-License-Identifier: Apache-2.0
"""What the daemons say of the device, in the reader's language."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from mokanda_firmware.bus import status
from mokanda_firmware.bus.sentences import said_again, translated
from mokanda_firmware.webmail.languages import N_, Language

_TITLES = {
    "courier": N_("Mail run"),
    "modem": N_("Modem"),
    "setup": N_("Connection to the relay"),
    "updates": N_("Software"),
    "lights": N_("Lights"),
    "hotspot": N_("Wi-Fi"),
}
# What a state of a daemon means to people, and whether it is good, bad or neither.
_STATES: dict[str, dict[str, tuple[str, str]]] = {
    "courier": {
        "unclaimed": ("", N_("Mail cannot leave before the device has a relay.")),
        "idle": ("good", N_("The courier waits for the next mail run.")),
        "dialling": ("", N_("The courier is dialling.")),
        "connecting": ("", N_("The courier is calling the relay.")),
        "syncing": ("", N_("Mail is going out and coming in.")),
        "failed": ("bad", N_("The last mail run failed. It will be tried again.")),
    },
    "modem": {
        "absent": ("bad", N_("No modem is plugged in.")),
        "starting": ("", N_("The modem is starting.")),
        "no_sim": ("bad", N_("There is no SIM card in the modem.")),
        "pin": ("bad", N_("The SIM card asks for its PIN.")),
        "no_signal": ("bad", N_("The modem finds no network.")),
        "ready": ("good", N_("The modem is ready.")),
        "dialling": ("", N_("The modem is dialling.")),
        "connected": ("good", N_("The modem is connected.")),
        "fault": ("bad", N_("The modem does not work.")),
    },
    "setup": {
        "no_claim": ("", N_("This device has not been connected to a relay yet.")),
        "claim_error": ("bad", N_("The claim file cannot be used.")),
        "claim_pending": ("", N_("The claim waits for its first connection.")),
        "claimed": ("good", N_("This device belongs to its relay.")),
    },
    "updates": {
        "idle": ("good", N_("The software is up to date.")),
        "available": ("", N_("There is an update.")),
        "downloading": ("", N_("An update is being fetched.")),
        "installing": ("", N_("An update is being installed.")),
        "installed": ("", N_("An update is installed. The device starts it next.")),
        "failed": ("bad", N_("The update failed. The device goes on as before.")),
    },
    "lights": {
        "fault": ("bad", N_("The lights show a fault.")),
        "updating": ("", N_("The lights show that an update is being installed.")),
        "starting": ("", N_("The lights show that the device is starting.")),
        "no_sim": ("bad", N_("The lights show that there is no SIM card.")),
        "no_credit": ("bad", N_("The lights show that there is no credit left.")),
        "syncing": ("", N_("The lights show that mail is on its way.")),
        "dialling": ("", N_("The lights show that the modem is dialling.")),
        "mail_waiting": ("", N_("The lights show that mail waits to leave.")),
        "ready": ("good", N_("The lights show that all is well.")),
    },
    "hotspot": {
        "open": ("good", N_("The Wi-Fi is open to everybody.")),
        "locked": ("good", N_("The Wi-Fi asks for its key.")),
        "given_up": (
            "bad",
            N_(
                "The Wi-Fi did not start as it was set. Until the device starts anew it is open,"
                " under its first name."
            ),
        ),
    },
}


class Fact(NamedTuple):
    """What else there is to tell; `bars` is 1 to 4 for a strength, which is drawn too."""

    title: str
    value: str
    bars: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """The status of a daemon, or of the card, for the page; `mood` is good, bad or ""."""

    title: str
    sentence: str
    mood: str
    detail: str
    progress: float | None
    facts: list[Fact]
    action: str = ""  # where the keeper's form goes, "" when there is nothing to do
    action_name: str = ""


def cards(language: Language, zone: str) -> list[Card]:
    """Read the statuses of all daemons and say them in `language`."""
    # A board without a Wi-Fi card has nothing to say of it.
    return [
        card(name, language, zone) for name in _STATES if name != "hotspot" or status.read(name)
    ]


def seconds(iso: object) -> int | None:
    """Read a time of a status as the store writes it; None when there is none."""
    try:
        return int(datetime.fromisoformat(str(iso)).timestamp()) if iso else None
    except ValueError:
        return None


def card(name: str, language: Language, zone: str) -> Card:
    """Read the status of one daemon and say it in `language`."""
    fields = status.read(name)
    state = str(fields.get("state", ""))
    mood, sentence = _STATES[name].get(state, ("", N_("Nothing is known of this yet.")))
    detail = str(fields.get("detail") or "")
    progress = fields.get("progress")
    action = action_name = ""
    if name == "courier" and state not in {"", "unclaimed"}:
        action, action_name = "/device/sync", N_("Send and fetch mail now")
    elif name == "updates" and state == "available":
        action, action_name = "/device/update", N_("Install the update")
    elif name == "updates" and state in {"idle", "failed"}:
        action, action_name = "/device/check", N_("Look for an update")
    return Card(
        language.text(_TITLES[name]),
        language.text(sentence),
        mood,
        translated(said_again(fields.get("detail_said"), detail), language.text),
        float(progress) if isinstance(progress, int | float) else None,
        list(_facts(name, fields, language, zone)),
        action,
        language.text(action_name) if action else "",
    )


def _facts(name: str, fields: dict[str, Any], language: Language, zone: str) -> Iterator[Fact]:
    """Yield what else a daemon tells."""

    def plain(title: str, key: str) -> Iterator[Fact]:
        if isinstance(fields.get(key), str | int) and fields[key] != "":
            yield Fact(language.text(title), str(fields[key]))

    def time(title: str, key: str) -> Iterator[Fact]:
        at = seconds(fields.get(key))
        if at is not None:
            yield Fact(language.text(title), language.date_and_time(at, zone))

    def size(title: str, key: str) -> Iterator[Fact]:
        if isinstance(fields.get(key), int) and fields[key]:
            yield Fact(language.text(title), language.size(fields[key]))

    if name == "hotspot":
        yield from plain(N_("Name of the Wi-Fi"), "network")
    elif name == "setup":
        yield from plain(N_("Domain"), "domain")
        yield from plain(N_("Relay"), "relay")
    elif name == "modem":
        yield from plain(N_("Network"), "operator")
        yield from _signal(fields.get("signal"), language)
        yield from _sim(fields, language)
        yield from plain(N_("Model"), "model")
    elif name == "courier":
        yield from time(N_("Last mail run"), "last_success")
        yield from time(N_("Next mail run"), "next_sync")
        yield from size(N_("Data sent"), "bytes_up")
        yield from size(N_("Data received"), "bytes_down")
    elif name == "updates":
        yield from plain(N_("Version"), "version")
        yield from time(N_("Installed"), "installed")
        yield from plain(N_("Runs from slot"), "slot")
        yield from plain(N_("New version"), "offered")
        yield from size(N_("Its size"), "size")


# From how many percent on, the bars that are drawn, and the word.
_STRENGTHS = (
    (60, 4, N_("strong")),
    (40, 3, N_("good")),
    (20, 2, N_("weak")),
    (0, 1, N_("very weak")),
)


def _signal(percent: object, language: Language) -> Iterator[Fact]:
    """Yield how strong the signal is: in words, in percent, and as bars."""
    if not isinstance(percent, int):
        return
    for least, bars, word in _STRENGTHS:
        if percent >= least:
            yield Fact(language.text("Signal"), f"{language.text(word)}, {percent} %", bars)
            return


def _sim(fields: dict[str, Any], language: Language) -> Iterator[Fact]:
    """Yield how the SIM card is, as far as the modem has come to it."""
    word = {"no_sim": N_("missing"), "pin": N_("locked")}.get(str(fields.get("state")), "")
    if not word and fields.get("imsi"):
        word = N_("recognised")
    if word:
        yield Fact(language.text("SIM card"), language.text(word))
