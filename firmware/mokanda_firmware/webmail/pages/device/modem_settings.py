# SPDX-License-Identifier: Apache-2.0
"""Modem, SIM card and network, and what the keeper sets for them."""

from contextlib import suppress
from datetime import datetime

from bottle import HTTPResponse

from mokanda_firmware.bus import requests
from mokanda_firmware.bus.requests import RequestError
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.modem import calls, messages, networks, orders, readings, restarts, shop
from mokanda_firmware.modem.orders import Order
from mokanda_firmware.modem.settings import (
    MAX_APN,
    MAX_CODE,
    MAX_LOGIN,
    Settings,
    SettingsError,
)
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.numbers import number
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Visit, get, post
from mokanda_firmware.webmail.wording.statuses import Cards
from mokanda_firmware.zones import zone_of

_LOOK_SECONDS = 4  # that a page waits for what the modem says now
_HANG_UP_SECONDS = 30
_ORDERS = 5  # that are shown
_UNKNOWN = N_("Nobody knows what came of it.")
_WAITS = N_("The network waits for a choice from its menu.")  # whose text is not known here
FOLLOWED = 30  # how often a page looks again by itself, so that a forgotten phone does not for ever
_RESTARTED = N_("The device has restarted by itself, as the modem no longer answered.")
_RESTARTED_THEN = N_("The device has restarted by itself, as the modem no longer answered: {when}.")
EVERY = 10  # seconds from one look to the next


def show_page(
    visit: Visit,
    problem: str = "",
    wrong: SettingsError | None = None,
    follow: int = 0,
    answer: str = "",
    order: Order | None = None,
) -> HTTPResponse:
    """Show the page, with what came of a code or an order.

    As long as the network waits for a choice from its menu, there is a form for that.
    """
    cards, status = Cards(visit.language, visit.zone), ModemStatus.read()
    settings = Settings.read()
    imsi = status.imsi if status else ""
    fields = {
        "apn": settings.apn,
        "username": settings.username,
        "password": "",
        "roaming": "1" if settings.roaming else "",
    }
    of_balance = {
        "balance_code": settings.balance_code,
        "balance_daily": "1" if settings.balance_daily else "",
    }
    told = readings.of_card(imsi or None)
    open_menu = status.open_menu if status else 0
    ordered = orders.find(open_menu) if open_menu else None  # what has brought the menu
    return visit.page(
        "device/modem",
        problem=problem,
        wrong={wrong.field: _said(visit, wrong)} if wrong else {},
        modem=cards.modem_in_full(),
        others=cards.other_modems(),
        sim=cards.sim(),
        told=status,
        codes=networks.codes(imsi),
        shop=shop.of(imsi),
        key_of=shop.key_of,
        network=networks.number(imsi),
        card=networks.card(imsi),
        order=order or ordered,
        orders=_last_orders(order),
        next_order=status.next_order if status else 0,
        open_menu=open_menu,
        is_ordered=ordered is not None,
        answer=answer or (visit.language.text(_WAITS) if open_menu and not ordered else ""),
        messages=messages.read(),
        sent_at=lambda message: _sent_at(message.sent, visit.zone),
        fields=_filled_in(visit, fields) | _filled_in(visit, of_balance),
        balance=told[-1] if told else None,
        money=lambda reading: visit.language.money(reading.value, reading.currency),
        settings=settings,
        apn=_in_use(settings),
        most={"apn": MAX_APN, "login": MAX_LOGIN, "code": MAX_CODE},
        calls=calls.last(),
        ended=lambda trouble: trouble.translated(visit.language.text),
        came_of=lambda order: _came_of(visit, order, open_menu),
        restart=_restart(visit),
        follow=follow,
        every=EVERY,
        followed=FOLLOWED,
    )


def _last_orders(told: Order | None) -> list[Order]:
    """Return the last orders; of the one that was `told` more may be known than was kept."""
    kept = orders.read()[:_ORDERS]
    return [told if told and told.number == each.number else each for each in kept]


def _sent_at(sent: datetime, zone: str) -> int:
    """Return when a message was sent; a stick may leave out the zone, which is the village's."""
    return int((sent if sent.tzinfo else sent.replace(tzinfo=zone_of(zone))).timestamp())


def _came_of(visit: Visit, order: Order, open_menu: int) -> str:
    """Say what came of an order; what is noted and no more was cut short, or is a menu."""
    said = order.said.translated(visit.language.text) if order.said else order.text
    return said or visit.language.text(_WAITS if order.number == open_menu else _UNKNOWN)


def _filled_in(visit: Visit, kept: dict[str, str]) -> dict[str, str]:
    """Return the fields of a form as they were filled in, if it is the one that was sent."""
    is_sent = visit.request.method == "POST" and next(iter(kept)) in visit.form
    return {name: visit.form[name] for name in kept} if is_sent else kept


@get("/device/modem", access="keeper")
def show_modem(visit: Visit) -> HTTPResponse:
    """Show how the modem is now; with `follow`, again and again for so many times."""
    with suppress(RequestError):  # what it told last is shown then
        requests.ask("modem", "look", timeout=_LOOK_SECONDS)
    follow = number(visit.request.query.get("follow", "")) or 0
    return show_page(visit, follow=min(follow, FOLLOWED))


@post("/device/modem", access="keeper", rescue=show_page)
def set_modem(visit: Visit) -> HTTPResponse:
    """Change the access point, and whether calls may go through other networks."""
    form = visit.form
    roaming = bool(form["roaming"])
    apn, username, password = (form[name].strip() for name in ("apn", "username", "password"))
    if form["by-itself"]:
        apn = username = password = ""
    old = Settings.read()
    new = old.changed(apn, username, password, roaming=roaming)
    try:
        new.check()
    except SettingsError as error:
        page = show_page(visit, wrong=error)
        page.status = 422
        return page
    ask(
        visit,
        "modem",
        "configure",
        apn=apn,
        username=username,
        password=password,
        roaming=roaming,
    )
    if new != old:
        said = ", ".join([new.apn or "-", *(["roaming"] if new.roaming else [])])
        audit.record_act(visit.store, visit.villager, "modem", said)
    return visit.redirect("/device/modem", "saved")


@post("/device/modem/hang-up", access="keeper", rescue=show_page)
def hang_up(visit: Visit) -> HTTPResponse:
    """End the call, or the dial for one; the mail run that wanted it comes again."""
    ask(visit, "modem", "disconnect", timeout=_HANG_UP_SECONDS)
    return visit.redirect("/device/modem", "hung-up")


def _in_use(settings: Settings) -> str:
    """Return the access point of the last call with this SIM card, "" if there was none."""
    status = ModemStatus.read()
    if status is None or not status.imsi:
        return ""
    return status.apn or (settings.worked if settings.imsi == status.imsi else "")


def _restart(visit: Visit) -> str:
    """Say that the device has restarted for its modem's sake, if that was its last start."""
    restart = restarts.before_this_boot()
    if restart is None:
        return ""
    if restart.at is None:
        return visit.language.text(_RESTARTED)
    when = visit.language.date_and_time(int(restart.at.timestamp()), visit.zone)
    return visit.language.text(_RESTARTED_THEN).format(when=when)


def _said(visit: Visit, error: SettingsError) -> str:
    return error.sentence.translated(visit.language.text)
