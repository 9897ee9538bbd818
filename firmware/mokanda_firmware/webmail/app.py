# SPDX-License-Identifier: Apache-2.0
"""The webmail as a WSGI application."""

from typing import Any

import bottle
from bottle import HTTPResponse

from mokanda_firmware.mailbox.people import accounts
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreUnfit
from mokanda_firmware.webmail import emergency, host_names, numbers
from mokanda_firmware.webmail.languages import N_, choose
from mokanda_firmware.webmail.pages.account import access
from mokanda_firmware.webmail.pages.device import first_steps
from mokanda_firmware.webmail.serving import explain, handled, read_form, static
from mokanda_firmware.webmail.store_watch import StoreWatch
from mokanda_firmware.webmail.visit import PAGES, Page, Refused, Site, Visit, is_for
from mokanda_wire.limits import MAX_FILE

# Where one goes who has a password to change first.
_WITH_OLD_PASSWORD = {"/account", "/account/password", "/logout", "/language"}

_NO_PAGE = N_("There is no such page.")
_FAILED = N_("Something went wrong here. It has been written down for the keeper.")
_KEEPER_ONLY = N_("This is for the keeper only.")


def create_app(
    store: Store, upload_limit: int = MAX_FILE, watch: StoreWatch | None = None
) -> bottle.Bottle:
    """Make the webmail of this store; a mail takes `upload_limit` bytes of attachments.

    `watch` is told when the store turns out to be unfit.
    """
    site = Site(store, upload_limit)
    watch = watch or StoreWatch()
    app = bottle.Bottle()
    # Each rule by itself: together they would be compiled anew at each that is added.
    app.router._MAX_GROUPS_PER_PATTERN = 1
    host_names.lead_to_one(app, "/portal", site.captivity.holds)
    numbers.in_addresses(app)
    for page in PAGES:
        app.route(page.path, page.method, _served(site, page, watch))
    app.route(site.stylesheet_path, "GET", static(site.stylesheet, "text/css"))
    app.route(site.script_path, "GET", static(site.script, "text/javascript"))
    app.default_error_handler = lambda error: _unforeseen(site, error)
    return app


def _served(site: Site, page: Page, watch: StoreWatch) -> Any:  # noqa: ANN401 - bottle has no types
    def serve(**arguments: Any) -> HTTPResponse:  # noqa: ANN401
        try:
            visit = Visit(site, bottle.request)
            if page.method == "POST":
                read_form(visit, page)
            with site.turns.turn(visit.form):
                return _led_elsewhere(visit, page) or handled(visit, page, arguments)
        except StoreUnfit as error:
            watch.tell(error)
            return _error_page(site, error)
        except (Refused, StoreError) as error:
            return _error_page(site, error)
        finally:
            watch.look()
            if page.method == "POST":
                watch.form_was_sent()

    return serve


def _led_elsewhere(visit: Visit, page: Page) -> HTTPResponse | None:
    """Answer a visit to a page that is not open to it now; raises Refused if it never is."""
    if place := first_steps.goes_on_at(visit, page):
        return visit.redirect(place)
    if visit.account is None:
        if _is_open(visit, page):
            return None
        return access.ask_to_log_in(visit) if page.method == "POST" else visit.redirect("/")
    visit.site.presence.noted()
    if not visit.site.first_step():  # until then its window stays open for the steps
        visit.site.captivity.release(visit.phone)
    if visit.account.must_change and page.path not in _WITH_OLD_PASSWORD:
        return visit.redirect("/account", "must-change")
    if not is_for(page.access, visit.account):
        raise Refused(403, _KEEPER_ONLY)
    return None


def _is_open(visit: Visit, page: Page) -> bool:
    """Whether a page is for who is not logged in."""
    if page.access == "newcomer":
        return not accounts.count(visit.store)
    return page.access == "everyone"


def _unforeseen(site: Site, error: bottle.HTTPError) -> HTTPResponse:
    """Answer for what bottle found: no such page, or a fault of the program, which it logs."""
    try:
        if error.status_code == 404 and site.first_step() == "account":
            return HTTPResponse("", 303, {"Location": "/", "Cache-Control": "no-store"})
    except StoreError as unfit:
        return _error_page(site, unfit)
    text = _FAILED if error.status_code >= 500 else _NO_PAGE
    return _error_page(site, Refused(error.status_code, text))


def _error_page(site: Site, error: Refused | StoreError) -> HTTPResponse:
    try:
        visit = Visit(site, bottle.request)
        status, text = explain(error, visit.language)
        return visit.page("error", status, text=text)
    except StoreUnfit as unfit:  # not even a page can be made
        return emergency.page(bottle.request, unfit)
    except StoreError:
        status, text = explain(error, choose((), ""))
        return HTTPResponse(text, status, {"Content-Type": "text/plain; charset=utf-8"})
