# SPDX-License-Identifier: Apache-2.0
"""How the device is, and what its keeper may have it do."""

from typing import Any

from bottle import HTTPResponse

from mokanda_firmware.bus import requests
from mokanda_firmware.bus.requests import RequestError, UnavailableError
from mokanda_firmware.mailbox.administration import audit, storage
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.webmail import prices
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get, post
from mokanda_firmware.webmail.wording import legend
from mokanda_firmware.webmail.wording.states import Mood
from mokanda_firmware.webmail.wording.statuses import Card, Cards, Fact

# A daemon may have to be started for it, on a slow board.
_TIMEOUT_SECONDS = 30
_TRASH = "/device/trash"
_SHORT = N_(
    "The card is nearly full. Have large letters deleted, and the trash emptied; old photos take"
    " the most room."
)

_NOT_SHORT = N_("There is room on the card again: nobody's trash was emptied.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    is_keeper = visit.villager.is_keeper
    cards = Cards(visit.language, visit.zone).all()
    if visit.villager.is_helper:
        cards.append(_storage_card(visit))
    return visit.page(
        "device/overview",
        problem=problem,
        cards=cards,
        legend=legend.rows(visit.language),
        price=prices.of_run_now(visit) if is_keeper else "",
        price_of_all=prices.of_all_now(visit) if is_keeper else "",
        price_of_update=prices.of_update_now(visit) if is_keeper else "",
    )


def _storage_card(visit: Visit) -> Card:
    """Say what takes the room on the card, and when there will be more."""
    found, text, size = storage.measure(visit.store), visit.language.text, visit.language.size
    sentence = text("{free} of {whole} are free.").format(
        free=size(found.free), whole=size(found.whole)
    )
    facts = [
        Fact(text("Letters"), size(found.letters)),
        Fact(text("Photos"), size(found.photos)),
        Fact(text("Other files"), size(found.files)),
        Fact(text("The device itself"), size(found.rest)),
    ]
    detail = text(_SHORT) if found.is_short else ""
    if found.trash_goes is not None:
        goes = text("{size} in all; the first of it goes for good: {day}").format(
            size=size(found.trash), day=visit.language.date(found.trash_goes, visit.zone)
        )
        facts.append(Fact(text("Trash"), goes))
    mood: Mood = "bad" if found.is_short else "good"
    share = found.used / found.whole
    card = Card(text("Storage"), sentence, mood, detail, share, tuple(facts))
    if found.is_short and found.trash:
        card = card._replace(action=_TRASH, action_name=text("Empty everybody's trash"))
    return card


@get("/device")
def show_device(visit: Visit) -> HTTPResponse:
    """Show what the daemons say of themselves."""
    return _show(visit)


@post("/device/sync", access="keeper", rescue=_show)
def sync_now(visit: Visit) -> HTTPResponse:
    """Have the courier go now; if asked for, beyond what may be spent today."""
    beyond = visit.form["beyond"] == "1"
    ask(visit, "courier", "sync", beyond=beyond)
    audit.record_act(visit.store, visit.villager, "sync-all" if beyond else "sync")
    return visit.redirect("/device", "sync")


@post("/device/update", access="keeper", rescue=_show)
def update_now(visit: Visit) -> HTTPResponse:
    """Have the update installed that is there."""
    ask(visit, "updates", "install")
    audit.record_act(visit.store, visit.villager, "update")
    return visit.redirect("/device", "update")


@post("/device/check", access="keeper", rescue=_show)
def look_for_update(visit: Visit) -> HTTPResponse:
    """Ask whether there is an update."""
    ask(visit, "updates", "check")
    audit.record_act(visit.store, visit.villager, "check")
    return visit.redirect("/device", "check")


@post(_TRASH, access="keeper", rescue=_show)
def empty_every_trash(visit: Visit) -> HTTPResponse:
    """Delete for good what everybody has thrown away, where there is little room left."""
    visit.make_sure()
    if not storage.measure(visit.store).is_short:
        raise Refused(409, _NOT_SHORT)
    entries.delete_every_trash(visit.store)
    audit.record_act(visit.store, visit.villager, "empty-trash")
    return visit.redirect("/device", "emptied")


def ask(
    visit: Visit, daemon: str, verb: str, timeout: float = _TIMEOUT_SECONDS, **arguments: object
) -> dict[str, Any]:
    """Have a daemon do something; return its reply, or refuse with what it says."""
    try:
        return requests.ask(daemon, verb, timeout=timeout, **arguments)
    except RequestError as error:
        status = 503 if isinstance(error, UnavailableError) else 409
        sentence = error.sentence.translated(visit.language.text)
        raise Refused(status, "{sentence}", sentence=sentence) from error
