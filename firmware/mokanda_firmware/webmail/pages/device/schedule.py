# SPDX-License-Identifier: Apache-2.0
"""When mail goes and what data costs, as the keeper tells it."""

import re
from contextlib import suppress
from datetime import time
from functools import cache
from zoneinfo import available_timezones

from bottle import HTTPResponse

from mokanda_firmware.bus.requests import RequestError, ask
from mokanda_firmware.courier import schedule
from mokanda_firmware.courier.schedule import DAY, Plan
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.costs import ledger, tariff
from mokanda_firmware.mailbox.costs.tariff import PRICE_UNIT, Tariff, Window
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

# Minutes between mail runs, and how people say it.
OFTEN = {
    DAY: N_("once a day"),
    720: N_("every 12 hours"),
    360: N_("every 6 hours"),
    180: N_("every 3 hours"),
    60: N_("every hour"),
    0: N_("only when the keeper says so"),
}
# Where most speak it who have such a device; only what stands in the form before one chooses.
_OF_LANGUAGE = {
    "fr": "Africa/Kinshasa",
    "kg": "Africa/Kinshasa",
    "ln": "Africa/Kinshasa",
    "lua": "Africa/Lubumbashi",
    "pt": "Africa/Luanda",
    "sw": "Africa/Nairobi",
}
_WINDOWS = 3
_BAD_TIME = N_("A time looks like this: 06:30")
_BAD_PRICE = N_("A price looks like this: 0.60, or 12 500. It is at most 1 000 000.")
_BAD_CURRENCY = N_("A currency has three letters, like USD or CDF.")
_CREDIT_HELD = N_(
    "Villagers still have credit in {currency}. To change the currency all the same, tick that"
    " below."
)
_NO_ZONE = N_("This time zone is not known here.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    plan = schedule.plan_of(visit.store)
    prices = tariff.load(visit.store)
    fields = {
        "every": str(plan.every),
        "first": plan.first,
        "last": plan.last,
        "cheap": "1" if plan.cheap_only else "",
        "zone": visit.zone,
        "currency": prices.currency,
        "price": _price(visit, prices.price) if prices.currency else "",
    }
    for number in range(_WINDOWS):
        window = prices.windows[number] if number < len(prices.windows) else None
        fields[f"start{number}"] = window.start if window else ""
        fields[f"end{number}"] = window.end if window else ""
        fields[f"price{number}"] = _price(visit, window.price) if window else ""
    if visit.request.method == "POST":  # as it was filled in
        fields = {name: visit.form[name] for name in fields}
    return visit.page(
        "device/schedule",
        problem=problem,
        fields=fields,
        held=_held(visit, prices),
        sure=bool(visit.form["sure"]),
        often=OFTEN,
        times=plan.times(prices),
        windows=range(_WINDOWS),
        zones=zones(),
    )


@get("/plan", access="keeper")
def show_plan(visit: Visit) -> HTTPResponse:
    """Show when mail goes and what it costs."""
    return _show(visit)


@post("/plan", access="keeper", rescue=_show)
def change_plan(visit: Visit) -> HTTPResponse:
    """Take over new times and prices; the courier plans anew."""
    form = visit.form
    every = form.number("every")
    zone = form["zone"]
    if zone and zone not in available_timezones():
        raise Refused(422, _NO_ZONE)
    plan = Plan(
        every if every in OFTEN else DAY,
        _clock(form["first"]),
        _clock(form["last"]),
        cheap_only=bool(form["cheap"]),
    )
    prices, old_prices = _tariff(visit), tariff.load(visit.store)
    if prices.currency != old_prices.currency and not form["sure"] and _held(visit, old_prices):
        raise Refused(409, _CREDIT_HELD, currency=old_prices.currency)
    old_plan = schedule.plan_of(visit.store)
    if (plan, zone) != (old_plan, visit.zone):
        audit.change_settings(
            visit.store,
            visit.villager,
            "plan",
            ", ".join([*plan.times(prices), zone]),
            **{schedule.SETTING: schedule.plan_to_json(plan), "timezone": zone},
        )
    if prices != old_prices:
        audit.change_settings(
            visit.store,
            visit.villager,
            "tariff",
            _said(prices),
            **{tariff.SETTING: tariff.to_json(prices)},
        )
    with suppress(RequestError):  # it reads them when it starts
        ask("courier", "reschedule")
    return visit.redirect("/plan", "saved")


def _tariff(visit: Visit) -> Tariff:
    form = visit.form
    currency = form["currency"].strip().upper()
    if not currency:
        return Tariff()
    if not re.fullmatch("[A-Z]{3}", currency):
        raise Refused(422, _BAD_CURRENCY)
    windows = []
    for number in range(_WINDOWS):
        parts = [form[f"{name}{number}"].strip() for name in ("start", "end", "price")]
        if any(parts):
            windows.append(Window(_clock(parts[0]), _clock(parts[1]), _parse_price(parts[2])))
    return Tariff(currency, _parse_price(form["price"]), tuple(windows))


def _held(visit: Visit, prices: Tariff) -> str:
    """Write what villagers have of the currency of these prices; "" for nothing."""
    held = ledger.held(visit.store, prices.currency)
    return visit.language.exact_money(held, prices.currency) if held else ""


def _clock(text: str) -> str:
    try:
        return f"{time.fromisoformat(text.strip().zfill(5)):%H:%M}"
    except ValueError as error:
        raise Refused(422, _BAD_TIME) from error


def _parse_price(text: str) -> int:
    try:
        return tariff.parse_price(text)
    except ValueError as error:
        raise Refused(422, _BAD_PRICE) from error


def _price(visit: Visit, price: int) -> str:
    """Write a price as `tariff.parse_price` reads it."""
    whole, millionths = divmod(price, PRICE_UNIT)
    fraction = f"{millionths:06}".rstrip("0").ljust(2, "0")
    if whole and len(fraction) == 3:  # which may be read as thousands
        fraction += "0"
    return f"{whole}{visit.language.point}{fraction}"


def _said(prices: Tariff) -> str:
    """A tariff in short, the same in every language."""
    said = [f"{prices.price / PRICE_UNIT:g} {prices.currency}".strip()] if prices.currency else []
    said += [f"{one.start}-{one.end} {one.price / PRICE_UNIT:g}" for one in prices.windows]
    return ", ".join(said)


def take_zone(visit: Visit) -> None:
    """Take over the village's time zone alone, as it is chosen in the first steps."""
    zone = visit.form["zone"]
    if zone and zone not in available_timezones():
        raise Refused(422, _NO_ZONE)
    if zone != visit.zone:
        audit.change_settings(visit.store, visit.villager, "plan", zone, timezone=zone)


def likely_zone(language: str) -> str:
    """Return where a village probably is whose keeper reads this language, "" for no idea."""
    return _OF_LANGUAGE.get(language, "")


def zones_nearby(zone: str) -> list[str]:
    """Return the time zones of Africa, and this one: all together are as large as ten pages."""
    nearby = [one for one in zones() if one.startswith("Africa/")]
    return nearby if zone in {"", *nearby} else [*nearby, zone]


@cache
def zones() -> list[str]:
    """The time zones of places, Africa's first."""
    places = (zone for zone in available_timezones() if "/" in zone and zone[0].isupper())
    zones = sorted(zone for zone in places if not zone.startswith(("Etc/", "SystemV/", "US/")))
    return sorted(zones, key=lambda zone: not zone.startswith("Africa/"))
