# SPDX-License-Identifier: Apache-2.0
"""The first steps with a new device: language, the keeper's account, the village, the claim.

Until its keeper has an account, a device leads everybody to its first page, and who takes the steps
from there is the keeper. Then only the keeper is led on, on whichever phone, until all is done.
"""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.people import first_steps
from mokanda_firmware.setup import wifi
from mokanda_firmware.webmail.pages.device import schedule, village_settings
from mokanda_firmware.webmail.visit import Page, Visit, get, post

_WITHOUT_KEEPER = {"/", "/register", "/language", "/portal"}
_WITH_KEEPER = {"/language", "/logout"}
_PLACE = "/first/"
_BACKUP = "/backup"  # an old device may come back on a new card


def goes_on_at(visit: Visit, page: Page) -> str:
    """Return where a visit to this page is led instead; "" when it is not."""
    step = visit.site.first_step()
    if step == "account":
        is_open = page.path in _WITHOUT_KEEPER or page.path.startswith(_BACKUP)
        return "" if is_open else "/"
    if step and visit.account is not None and visit.account.is_keeper:
        is_led = page.path not in _WITH_KEEPER and not page.path.startswith(_PLACE)
        return f"{_PLACE}{step}" if is_led else ""
    return ""


def _show_village(visit: Visit, problem: str = "") -> HTTPResponse:
    known = visit.zone or schedule.likely_zone(visit.language.code)
    return visit.page(
        "device/first-village",
        bare=True,
        problem=problem,
        fields=village_settings.fields(visit),
        zones=schedule.zones_nearby(known),
        zone=next(iter(visit.form.all("zone")), known),
    )


@get("/first/village", access="keeper")
def ask_for_village(visit: Visit) -> HTTPResponse:
    """Show the form for the village's name and its Wi-Fi."""
    return _show_village(visit)


@post("/first/village", access="keeper", rescue=_show_village)
def take_village(visit: Visit) -> HTTPResponse:
    """Take the village's name, time and Wi-Fi, which starts anew when all is done."""
    schedule.take_zone(visit)
    village_settings.take(visit)
    return _go_to(visit, "claim")


def _show_claim(visit: Visit, problem: str = "") -> HTTPResponse:
    return visit.page(
        "device/first-claim",
        bare=True,
        problem=problem,
        claim=village_settings.claim_card(visit),
        text=visit.form["text"],
    )


@get("/first/claim", access="keeper")
def ask_for_claim(visit: Visit) -> HTTPResponse:
    """Show what the claim file on the card says, or ask for one."""
    return _show_claim(visit)


@post("/first/claim", access="keeper", takes_files=True, rescue=_show_claim)
def take_claim(visit: Visit) -> HTTPResponse:
    """Take a claim file, unless it is left for later."""
    if not visit.form["later"]:
        village_settings.take_claim(visit)
    return _go_to(visit, "summary")


@get("/first/summary", access="keeper")
def show_summary(visit: Visit) -> HTTPResponse:
    """Sum up what was set."""
    return visit.page(
        "device/first-summary",
        bare=True,
        claim=village_settings.claim_card(visit),
        wifi=village_settings.network(),
        restarts=wifi.read() is not None,
        domain=visit.site.domain(),
    )


@post("/first/done", access="keeper")
def end(visit: Visit) -> HTTPResponse:
    """End the first steps; the Wi-Fi starts anew when it was changed."""
    first_steps.end(visit.store)
    return village_settings.restart(visit) if wifi.read() is not None else visit.redirect("/inbox")


def _go_to(visit: Visit, step: str) -> HTTPResponse:
    first_steps.go_to(visit.store, step)
    return visit.redirect(f"{_PLACE}{step}")
