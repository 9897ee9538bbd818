# SPDX-License-Identifier: Apache-2.0
"""The webmail of a device whose mail store does not open: what happened, and what can be done.

Nobody can log in, so it offers only what does not need it: a backup can be restored by who has its
passphrase, as on a new device, and the device can begin anew, or take an update, for who has read a
code from the card (mokanda_firmware.setup.keeper).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import bottle
from bottle import HTTPResponse, LocalRequest

from mokanda_firmware.bus.states import StoreState, UpdatesState
from mokanda_firmware.bus.statuses import SetupStatus, UpdatesStatus
from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreUnfit
from mokanda_firmware.setup import keeper
from mokanda_firmware.webmail import host_names
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.account.access import wait_sentence
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.serving import explain, handled, read_form, static
from mokanda_firmware.webmail.throttle import trying
from mokanda_firmware.webmail.visit import PAGES, Handler, Page, Refused, Site, Visit
from mokanda_firmware.webmail.wording import states

_WRONG = N_("This is not the code from the card.")
_ANEW_SECONDS = 60.0


class _Closed(Store):
    """Stands for a store that does not open: whatever is asked of it ends as opening it did."""

    def __init__(self, error: StoreUnfit) -> None:
        self.error = error

    @contextmanager
    def _begun(self, begin: str) -> Iterator[Any]:  # noqa: ARG002
        raise self.error
        yield


class EmergencyVisit(Visit):
    """A request to such a device: nobody is logged in."""

    def _account(self) -> Account | None:
        return None

    @cached_property
    def zone(self) -> str:
        """The device's own time zone: that of the village is in the store."""
        return ""

    @cached_property
    def village(self) -> str:
        """The village's name as its claim has it."""
        setup = SetupStatus.read()
        return setup.village if setup else ""


def page(request: LocalRequest, error: StoreUnfit) -> HTTPResponse:
    """Answer with the page that says what happened, of a store that was open until now."""
    visit = EmergencyVisit(Site(_Closed(error), 0), request)
    return visit.page("device/emergency", 503, can_act=False, **_said(visit))


def create_app(error: StoreUnfit) -> bottle.Bottle:
    """Make the webmail of a device whose store ended so when it was opened."""
    site = Site(_Closed(error), 0)
    app = bottle.Bottle()
    host_names.lead_to_one(app, "/", lambda _: True)
    for each in _PAGES:
        app.route(each.path, each.method, _served(site, each))
    app.route(site.stylesheet_path, "GET", static(site.stylesheet, "text/css"))
    app.default_error_handler = _elsewhere
    return app


def _served(site: Site, each: Page) -> Any:  # noqa: ANN401 - bottle has no types
    def serve() -> HTTPResponse:
        visit = EmergencyVisit(site, bottle.request)
        try:
            if each.method == "POST":
                read_form(visit, each)
            return handled(visit, each, {})
        except (Refused, StoreError) as error:
            status, text = explain(error, visit.language)
            return visit.page("error", status, text=text)

    return serve


def _elsewhere(error: bottle.HTTPError) -> HTTPResponse:
    """Lead every other page to the first one, as phones that test their network ask for many."""
    if error.status_code >= 500:
        return HTTPResponse("", error.status_code)
    return HTTPResponse("", 303, {"Location": "/", "Cache-Control": "no-store"})


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    return visit.page("device/emergency", 503, problem=problem, can_act=True, **_said(visit))


def _said(visit: Visit) -> dict[str, Any]:
    """Say what happened and what helps."""
    assert isinstance(visit.store, _Closed)
    state, text = visit.store.error.state, visit.language.text
    updates = UpdatesStatus.read()
    is_offered = updates is not None and updates.state is UpdatesState.AVAILABLE
    _, sentence = states.STORE[state]
    return {
        "sentence": text(sentence),
        "advice": text(states.STORE_ADVICE[state]) if state in states.STORE_ADVICE else "",
        "is_wiping": state is StoreState.WIPING,
        "update": updates.offered or "" if updates and is_offered else "",
        "file": keeper.NAME,
    }


def _begin_anew(visit: Visit) -> HTTPResponse:
    """Put all aside but who the device is, once the code from the card was given."""
    _prove(visit)
    visit.make_sure()
    ask(visit, "backup", "anew", _ANEW_SECONDS)
    return visit.redirect("/backup")


def _update(visit: Visit) -> HTTPResponse:
    """Install the update that the relay offers, once the code from the card was given."""
    _prove(visit)
    ask(visit, "updates", "install")
    return visit.redirect("/", "update")


def _prove(visit: Visit) -> None:
    """See that who asks has read the code from the card."""
    with trying((visit.site.of_account, "card")) as attempt:
        if attempt.seconds:
            sentence = wait_sentence(visit, attempt.seconds)
            raise Refused(429, "{sentence}", sentence=sentence)
        attempt.failed = not keeper.is_code(visit.form["code"])
    if attempt.failed:
        raise Refused(403, _WRONG)


def _switch_off(visit: Visit) -> HTTPResponse:
    ask(visit, "setup", "switch-off")
    return visit.redirect("/", "switch-off")


def _restart(visit: Visit) -> HTTPResponse:
    ask(visit, "setup", "restart")
    return visit.redirect("/", "restart")


def _get(path: str, handler: Handler) -> Page:
    return Page("GET", path, handler, "everyone")


def _post(path: str, handler: Handler) -> Page:
    return Page("POST", path, handler, "everyone", rescue=_show)


# Pages of the whole webmail that need no store.
_SHARED = {
    ("POST", "/language"),
    ("GET", "/backup"),
    ("POST", "/backup/check"),
    ("POST", "/backup/restore"),
    ("POST", "/backup/cancel"),
    ("GET", "/logs"),
    ("GET", "/logs.txt"),
}
_PAGES = [
    _get("/", _show),
    _post("/anew", _begin_anew),
    _post("/update", _update),
    _post("/off", _switch_off),
    _post("/restart", _restart),
    *(each for each in PAGES if (each.method, each.path) in _SHARED),
]
