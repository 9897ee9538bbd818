# SPDX-License-Identifier: Apache-2.0
"""The SIM card's codes, and what its network says: PIN and PUK, balance, menus."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.webmail.pages.device.modem_settings import show_page
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Visit, post

_TIMEOUT = 60.0  # seconds: a network may take thirty to answer


@post("/device/modem/pin", access="keeper", rescue=show_page)
def enter_pin(visit: Visit) -> HTTPResponse:
    """Give the SIM card its PIN."""
    pin, keep = visit.form["pin"].strip(), bool(visit.form["keep"])
    ask(visit, "modem", "pin", timeout=_TIMEOUT, pin=pin[:9], keep=keep, imei=_imei(visit))
    audit.record_act(visit.store, visit.villager, "unlock")
    return visit.redirect("/device/modem", "unlocked")


@post("/device/modem/puk", access="keeper", rescue=show_page)
def unlock(visit: Visit) -> HTTPResponse:
    """Give the SIM card its PUK and a new PIN."""
    puk, pin = visit.form["puk"].strip(), visit.form["pin"].strip()
    ask(visit, "modem", "puk", timeout=_TIMEOUT, puk=puk[:9], pin=pin[:9], imei=_imei(visit))
    audit.record_act(visit.store, visit.villager, "unlock")
    return visit.redirect("/device/modem", "unlocked")


def _imei(visit: Visit) -> str:
    """Return the modem that the page showed: another one's card is not to lose a try."""
    return visit.form["imei"][:20]


@post("/device/modem/ask", access="keeper", rescue=show_page)
def ask_network(visit: Visit) -> HTTPResponse:
    """Ask the network by a code, or answer its menu, and show what it says."""
    return _answered(visit, visit.form["code"].strip()[:41])


def _answered(visit: Visit, code: str) -> HTTPResponse:
    number = visit.form.number("number") or 0  # a form that comes again asks nothing
    told = {"number": number, "code": code, "zone": visit.zone}
    answer = ask(visit, "modem", "ussd", timeout=_TIMEOUT, **told)
    audit.record_act(visit.store, visit.villager, "network")
    return show_page(visit, answer=str(answer["text"]), is_menu=bool(answer["menu"]))
