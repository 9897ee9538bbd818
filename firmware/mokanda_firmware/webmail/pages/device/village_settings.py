# SPDX-License-Identifier: Apache-2.0
"""What the keeper sets of the village: its name, its Wi-Fi, and the claim of its device."""

from typing import Any

from bottle import HTTPResponse

from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.setup import card, wifi
from mokanda_firmware.setup.hotspot import PORTAL
from mokanda_firmware.setup.wifi import Wifi
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Refused, Visit, get, post
from mokanda_firmware.webmail.wording.statuses import Card, Cards
from mokanda_wire.text import one_line, without_invisible

MAX_VILLAGE = 60
# What one request to a daemon holds; a claim file has 2,000.
_MAX_CLAIM = 10_000
_NO_VILLAGE = N_("Please tell the name of the village.")
_NO_CLAIM = N_("Please choose the claim file, or put its text into the field.")


def network() -> Wifi:
    """Return the village's Wi-Fi as it is set, or as it is by itself."""
    setup = SetupStatus.read()
    return wifi.read() or wifi.of_village(setup.village if setup else "")


def fields(visit: Visit) -> dict[str, str]:
    """Return what stands in the form: what was filled in, or how things are."""
    if "network" in visit.form:
        return {name: visit.form[name] for name in ("village", "network", "key", "country")}
    now = wifi.read() or Wifi("")  # by itself it is called after the village
    return {
        "village": visit.village,
        "network": now.name,
        "key": now.key,
        "country": now.country,
    }


def take(visit: Visit) -> bool:
    """Take over what stands in the form; return whether the Wi-Fi has to start anew for it."""
    village = one_line(without_invisible(visit.form["village"]))[:MAX_VILLAGE]
    if not village:
        raise Refused(422, _NO_VILLAGE)
    name = " ".join(visit.form["network"].split()) or wifi.of_village(village).name
    new = Wifi(name, visit.form["key"].strip(), visit.form["country"].strip().upper())
    is_new = new != network()
    if village != visit.village:  # first, as a full disk refuses it: the Wi-Fi would not restart
        audit.change_settings(visit.store, visit.villager, "village", village, village=village)
    if is_new:
        ask(visit, "setup", "wifi", name=new.name, key=new.key, country=new.country)
        audit.record_act(visit.store, visit.villager, "wifi", new.name)
    return is_new


def restart(visit: Visit) -> HTTPResponse:
    """Start the Wi-Fi anew, and tell how to come back to it."""
    page = visit.page("device/reconnect", bare=True, wifi=network(), address=PORTAL)
    ask(visit, "setup", "restart-wifi")
    return page


def take_claim(visit: Visit) -> None:
    """Have the device use the claim file that was given."""
    text = visit.form["text"].strip()
    for file in visit.form.files:
        with visit.store.attachments.path(file.digest).open("rb") as content:
            try:
                text = card.decode(content.read(_MAX_CLAIM))
            except UnicodeError:
                text = "\ufffd"
    if not text:
        raise Refused(422, _NO_CLAIM)
    ask(visit, "setup", "claim", text=text[:_MAX_CLAIM])
    audit.record_act(visit.store, visit.villager, "claim", visit.site.domain())


def claim_card(visit: Visit) -> Card:
    """Say how far the claim has come."""
    return Cards(visit.language, visit.zone).setup()


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    values: dict[str, Any] = {"fields": fields(visit), "claim": claim_card(visit)}
    return visit.page("device/village-settings", problem=problem, **values)


@get("/device/village", access="keeper")
def show_village(visit: Visit) -> HTTPResponse:
    """Show the village's name, its Wi-Fi and its claim."""
    return _show(visit)


@post("/device/village", access="keeper", rescue=_show)
def change_village(visit: Visit) -> HTTPResponse:
    """Change the village's name and its Wi-Fi."""
    return restart(visit) if take(visit) else visit.redirect("/device/village", "saved")


@post("/device/claim", access="keeper", takes_files=True, rescue=_show)
def change_claim(visit: Visit) -> HTTPResponse:
    """Put in another claim file."""
    visit.make_sure()
    take_claim(visit)
    return visit.redirect("/device/village", "claim")
