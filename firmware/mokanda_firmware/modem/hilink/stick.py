# SPDX-License-Identifier: Apache-2.0
"""What a HiLink stick tells of itself, its SIM card and the network.

Huawei has not published the API. Paths and codes are those that its own page uses, as
github.com/Salamek/huawei-lte-api lists them; service and domain are numbered as by AT^SYSINFO.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import kept_pin
from mokanda_firmware.modem.at import names
from mokanda_firmware.modem.at.codes import PIN, PUK
from mokanda_firmware.modem.backend import CallError, Facts, Finding, PinError
from mokanda_firmware.modem.hilink.page import Page, PageError, RefusedError, StrangerError
from mokanda_firmware.modem.kept_pin import KeptPin
from mokanda_firmware.modem.machine import Event

_CODE_SECONDS = 1.6  # the card computes
_CARD: Final = re.compile(r"\d{18,20}F?", re.ASCII | re.IGNORECASE)
NO_RIGHTS: Final = 100003  # before somebody has logged in at its page
OWN_PAGE: Final = Sentence("This stick takes that on its own page only: plug it into a computer.")
_CONNECTED = "901"
_ABROAD = "1"
# SimState of pin/status: what it is, and which field has the tries that are left.
_SIM: Final = {
    "255": (Event.SIM_MISSING, Sentence("There is no SIM card in the modem."), ""),
    "256": (
        Event.SIM_MISSING,
        Sentence("The SIM card does not answer. Take it out and put it in."),
        "",
    ),
    "260": (Event.PIN_ASKED, Sentence("The SIM card asks for its PIN."), "SimPinTimes"),
    "261": (
        Event.PUK_ASKED,
        Sentence("The SIM card is locked and asks for its PUK."),
        "SimPukTimes",
    ),
}
_TRIES: Final = {"PIN": "SimPinTimes", "PUK": "SimPukTimes"}
_LIMITED: Final = frozenset({"1", "3"})  # ServiceStatus
_VALID: Final = "2"
_TELEPHONY_ONLY: Final = "1"  # CurrentServiceDomain


def look(page: Page, facts: Facts, *, roaming: bool) -> Finding:
    """Find out how it is; `roaming` over others than the card's own network is allowed.

    Raises PageError; StrangerError is what no HiLink says.
    """
    status = page.get("monitoring/status")
    if "ConnectionStatus" not in status:
        raise StrangerError("no status")
    facts = _introduced(page, facts)
    sim = _optional(page, "pin/status")
    if found := _SIM.get(sim.get("SimState", "")):
        event, detail, field = found
        tries = _number(sim.get(field, ""))
        if event is Event.PIN_ASKED and _give_kept(page, tries):
            event, detail = Event.SIM_STARTING, Sentence("The SIM card is starting.")
        facts = facts._replace(operator="", signal=None, tries=tries)
        return Finding(event, detail, facts)
    if "SimState" in sim:
        kept_pin.opened(lambda: _card(page))
    operator = names.readable(_optional(page, "net/current-plmn").get("FullName", ""))
    facts = facts._replace(operator=operator, signal=_signal(status), tries=None)
    event, detail = _judged(status, operator, roaming=roaming)
    return Finding(event, detail, facts)


def _introduced(page: Page, facts: Facts) -> Facts:
    told = _optional(page, "device/information")
    model, imei, imsi = (told.get(name, "") for name in ("DeviceName", "Imei", "Imsi"))
    if model := names.readable(model):
        facts = facts._replace(model=f"HUAWEI {model}")
    return facts._replace(
        imei=imei if re.fullmatch(r"\d{14,17}", imei, re.ASCII) else "",
        imsi=imsi if re.fullmatch(r"\d{14,15}", imsi, re.ASCII) else "",
    )


def _judged(status: dict[str, str], operator: str, *, roaming: bool) -> tuple[Event, Sentence]:
    service, domain = status.get("ServiceStatus"), status.get("CurrentServiceDomain")
    has_data = status["ConnectionStatus"] == _CONNECTED
    if not has_data and service in _LIMITED:
        return Event.NO_DATA, Sentence(
            "The mobile network lets the SIM card make emergency calls only."
        )
    if not has_data and service != _VALID:
        return Event.SEARCHING, Sentence("Searching for the mobile network.")
    if not has_data and domain == _TELEPHONY_ONLY:
        return Event.NO_DATA, Sentence("The mobile network lets the SIM card telephone only.")
    if status.get("RoamingStatus") == _ABROAD and not roaming:
        return Event.ABROAD, Sentence(
            "The SIM card is in another network than its own, where calls cost more."
            " The keeper can allow that."
        )
    if operator:
        return Event.REGISTERED, Sentence("Ready on {network}.", network=operator)
    return Event.REGISTERED, Sentence("Ready.")


def _signal(status: dict[str, str]) -> int | None:
    """Return percent: some tell it, others bars."""
    percent = _number(status.get("SignalStrength", ""))
    if percent is None:
        bars, most = _number(status.get("SignalIcon", "")), _number(status.get("maxsignal", "5"))
        percent = round(bars * 100 / most) if bars is not None and most else None
    return None if percent is None else min(percent, 100)


def _optional(page: Page, path: str) -> dict[str, str]:
    """Ask for what may be refused, or not be told in time."""
    with suppress(PageError):
        return page.get(path)
    return {}


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else None


def has_data(page: Page) -> bool:
    """Whether it is connected to the Internet, as it says. Raises PageError."""
    return page.get("monitoring/status").get("ConnectionStatus") == _CONNECTED


def connect(page: Page) -> None:
    """Have it connect, which takes some seconds. Raises CallError, PageError."""
    try:
        page.post("dialup/dial", {"Action": "1"})
    except RefusedError as error:
        raise CallError(Sentence("The stick does not connect to the Internet.")) from error


def disconnect(page: Page) -> None:
    """Have it end what `connect` began. Raises PageError."""
    page.post("dialup/dial", {"Action": "0"})


def enter_pin(page: Page, pin: str, *, keep: bool) -> None:
    """Give the SIM card its PIN, once, and keep that if it is taken. Raises PinError."""
    if not PIN.fullmatch(pin):
        raise PinError(Sentence("A PIN has four to eight digits."))
    with page.visit(_CODE_SECONDS), _answered():
        _give(page, "PIN", _verify(pin))
        kept_pin.forget()
        if keep and (card := _card(page)):
            kept = KeptPin(pin, card)
            kept.keep()
            kept.begin(None)  # until the card is open: some say OK to what is wrong


def _give_kept(page: Page, tries: int | None) -> bool:
    return kept_pin.give(lambda: _card(page), tries, lambda pin: _give(page, "PIN", _verify(pin)))


def _verify(pin: str) -> dict[str, str]:
    return {"OperateType": "0", "CurrentPin": pin, "NewPin": "", "PukCode": ""}


def _card(page: Page) -> str:
    """Return the card's number (ICCID); "" where the stick does not tell it."""
    card = _optional(page, "device/information").get("Iccid", "")
    return card if _CARD.fullmatch(card) else ""


def unlock(page: Page, puk: str, pin: str) -> None:
    """Give the SIM card its PUK and a new PIN, once. Raises PinError."""
    if not PUK.fullmatch(puk):
        raise PinError(Sentence("A PUK has eight digits."))
    if not PIN.fullmatch(pin):
        raise PinError(Sentence("A PIN has four to eight digits."))
    with page.visit(_CODE_SECONDS), _answered():
        _give(
            page,
            "PUK",
            {"OperateType": "4", "CurrentPin": "", "NewPin": pin, "PukCode": puk},
        )
        kept_pin.forget()


@contextmanager
def _answered() -> Iterator[None]:
    """Tell the keeper where a code was given and nothing came back."""
    try:
        yield
    except PageError as error:
        raise PinError(
            Sentence("The SIM card does not answer. Take it out and put it in.")
        ) from error


def _give(page: Page, code: str, fields: dict[str, str]) -> None:
    try:
        page.post("pin/operate", fields)
    except RefusedError as error:
        if error.code == NO_RIGHTS:
            raise PinError(OWN_PAGE) from error
        tries = _number(_optional(page, "pin/status").get(_TRIES[code], ""))
        raise PinError.refused(code, tries) from error
