# SPDX-License-Identifier: Apache-2.0
"""By which code the SIM card's balance is asked for, and whether once a day."""

from dataclasses import replace

from bottle import HTTPResponse

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.modem.settings import Settings, SettingsError
from mokanda_firmware.webmail.pages.device.modem_settings import show_page
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Visit, post


@post("/device/modem/balance", access="keeper", rescue=show_page)
def set_balance(visit: Visit) -> HTTPResponse:
    """Change the code for the balance; an empty one leaves it to what is known of the network."""
    old = Settings.read()
    code, daily = visit.form["balance_code"].strip(), bool(visit.form["balance_daily"])
    new = replace(old, balance_code=code, balance_daily=daily)
    try:
        new.check()
    except SettingsError as error:
        page = show_page(visit, wrong=error)
        page.status = 422
        return page
    ask(visit, "modem", "configure_balance", code=code, daily=daily)
    if new != old:
        said = ", ".join([code or "-", *(["daily"] if daily else [])])
        audit.record_act(visit.store, visit.villager, "modem", said)
    return visit.redirect("/device/modem", "saved")
