# SPDX-License-Identifier: Apache-2.0
"""The SIM card's codes, and what its network says: PIN and PUK, balance, menus."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.webmail.pages.device.modem_settings import show_page
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Visit, post

_MOST = 20  # characters of a PIN or PUK that are told on; fewer are too many already
_TIMEOUT = 75.0  # seconds: a second tap waits for what comes of the first


@post("/device/modem/pin", access="keeper", rescue=show_page)
def enter_pin(visit: Visit) -> HTTPResponse:
    """Give the SIM card its PIN."""
    pin, keep = visit.form["pin"].strip(), bool(visit.form["keep"])
    return _given(visit, "pin", pin=pin[:_MOST], keep=keep)


@post("/device/modem/puk", access="keeper", rescue=show_page)
def unlock(visit: Visit) -> HTTPResponse:
    """Give the SIM card its PUK and a new PIN."""
    puk, pin = visit.form["puk"].strip(), visit.form["pin"].strip()
    return _given(visit, "puk", puk=puk[:_MOST], pin=pin[:_MOST])


def _given(visit: Visit, verb: str, **codes: object) -> HTTPResponse:
    """Give codes to the card of the modem that the page showed; its form costs one try at most."""
    number, imei = visit.form.number("number") or 0, visit.form["imei"][:20]
    ask(visit, "modem", verb, timeout=_TIMEOUT, number=number, imei=imei, **codes)
    audit.record_act(visit.store, visit.villager, "unlock")
    return visit.redirect("/device/modem", "unlocked")


@post("/device/modem/ask", access="keeper", rescue=show_page)
def ask_network(visit: Visit) -> HTTPResponse:
    """Ask the network by a code, or answer its menu, and show what it says."""
    form = visit.form
    answer = ask(
        visit,
        "modem",
        "ussd",
        timeout=_TIMEOUT,
        number=form.number("number") or 0,  # a form that comes again asks nothing
        menu=form.number("menu") or 0,
        card=form["card"][:12],
        code=form["code"].strip()[:100],
        zone=visit.zone,
    )
    audit.record_act(visit.store, visit.villager, "network")
    return show_page(visit, answer=str(answer["text"]))
