# SPDX-License-Identifier: Apache-2.0
"""The webmail as a WSGI application."""

import hmac
import logging
from functools import partial
from typing import Any

import bottle
from bottle import HTTPResponse

from mokanda_firmware.mailbox.people import accounts
from mokanda_firmware.mailbox.store.database import Store, StoreBusy, StoreError, StoreFull
from mokanda_firmware.webmail import forms
from mokanda_firmware.webmail.languages import N_, Language, choose
from mokanda_firmware.webmail.pages.account import access
from mokanda_firmware.webmail.pages.device import first_steps
from mokanda_firmware.webmail.visit import PAGES, Page, Refused, Site, Visit, answer, is_for
from mokanda_wire.limits import MAX_FILE

_log = logging.getLogger(__name__)
# Where one goes who has a password to change first.
_WITH_OLD_PASSWORD = {"/account", "/account/password", "/logout", "/language"}

_FULL = N_("The device has no room left, so this could not be kept. Please tell your keeper.")
_BUSY = N_("The device is busy, so this could not be kept. Please try again in a minute.")
_BROKEN = N_("Something is wrong with the device's memory. Please tell your keeper.")
_OLD = N_("This page was too old. Please check it, and press the button again.")
_NO_PAGE = N_("There is no such page.")
_FAILED = N_("Something went wrong here. It has been written down for the keeper.")
_KEEPER_ONLY = N_("This is for the keeper only.")
_TOO_LONG = N_("This is too long.")


def create_app(store: Store, upload_limit: int = MAX_FILE) -> bottle.Bottle:
    """Make the webmail of this store; a mail takes `upload_limit` bytes of attachments."""
    site = Site(store, upload_limit)
    app = bottle.Bottle()
    for page in PAGES:
        app.route(page.path, page.method, _served(site, page))
    for path, content, media_type in (
        (site.stylesheet_path, site.stylesheet, "text/css"),
        (site.script_path, site.script, "text/javascript"),
    ):
        app.route(path, "GET", partial(_static, content, media_type))
    app.default_error_handler = lambda error: _unforeseen(site, error)
    return app


def _served(site: Site, page: Page) -> Any:  # noqa: ANN401 - bottle has no types
    def serve(**arguments: Any) -> HTTPResponse:  # noqa: ANN401
        try:
            visit = Visit(site, bottle.request)
            if page.method == "POST":
                _read_form(visit, page)
            return _led_elsewhere(visit, page) or _handled(visit, page, arguments)
        except (Refused, StoreError) as error:
            return _error_page(site, error)

    return serve


def _read_form(visit: Visit, page: Page) -> None:
    def is_ours(form: forms.Form) -> bool:
        return hmac.compare_digest(form["csrf"].encode(), visit.csrf.encode())

    def takes_files(form: forms.Form) -> bool:
        return page.takes_files and visit.account is not None and is_ours(form)

    visit.form = forms.read(
        visit.request.environ, visit.store, visit.site.upload_limit, takes_files
    )
    visit.form_is_ours = is_ours(visit.form)


def _led_elsewhere(visit: Visit, page: Page) -> HTTPResponse | None:
    """Answer a visit to a page that is not open to it now; raises Refused if it never is."""
    if place := first_steps.goes_on_at(visit, page):
        return visit.redirect(place)
    if visit.account is None:
        if _is_open(visit, page):
            return None
        return access.ask_to_log_in(visit) if page.method == "POST" else visit.redirect("/")
    if visit.account.must_change and page.path not in _WITH_OLD_PASSWORD:
        return visit.redirect("/account", "must-change")
    if not is_for(page.access, visit.account):
        raise Refused(403, _KEEPER_ONLY)
    return None


def _handled(visit: Visit, page: Page, arguments: dict[str, Any]) -> HTTPResponse:
    """Have a page made; a form that cannot be taken is given back where its page does that."""
    try:
        if page.method == "POST":
            _check_form(visit, page)
        return page.handler(visit, **arguments)
    except (Refused, StoreError) as error:
        if page.rescue is None:
            raise
        status, text = _explain(error, visit.language)
        response = page.rescue(visit, text)
        response.status = status
        return response


def _check_form(visit: Visit, page: Page) -> None:
    if not visit.form_is_ours:
        raise Refused(403, _OLD)
    if visit.form.problem in {forms.TOO_LARGE, forms.MALFORMED} and not page.takes_files:
        raise Refused(413, _TOO_LONG)


def _is_open(visit: Visit, page: Page) -> bool:
    """Whether a page is for who is not logged in."""
    if page.access == "newcomer":
        return not accounts.count(visit.store)
    return page.access == "everyone"


def _explain(error: Refused | StoreError, language: Language) -> tuple[int, str]:
    """Return the status and the sentence for what went wrong."""
    if isinstance(error, Refused):
        return error.status, error.sentence(language)
    _log.error("%s %s", bottle.request.method, bottle.request.path, exc_info=error)
    if isinstance(error, StoreFull):
        return 507, language.text(_FULL)
    if isinstance(error, StoreBusy):
        return 503, language.text(_BUSY)
    return 500, language.text(_BROKEN)


def _unforeseen(site: Site, error: bottle.HTTPError) -> HTTPResponse:
    """Answer for what bottle found: no such page, or a fault of the program, which it logs."""
    if error.status_code == 404 and site.first_step() == "account":
        return HTTPResponse("", 303, {"Location": "/", "Cache-Control": "no-store"})
    text = _FAILED if error.status_code >= 500 else _NO_PAGE
    return _error_page(site, Refused(error.status_code, text))


def _error_page(site: Site, error: Refused | StoreError) -> HTTPResponse:
    try:
        visit = Visit(site, bottle.request)
        status, text = _explain(error, visit.language)
        return visit.page("error", status, text=text)
    except StoreError:  # not even a page can be made
        status, text = _explain(error, choose((), ""))
        return HTTPResponse(text, status, {"Content-Type": "text/plain; charset=utf-8"})


def _static(content: bytes, media_type: str) -> HTTPResponse:
    return answer(
        bottle.request,
        content,
        200,
        {
            "Content-Type": f"{media_type}; charset=utf-8",
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
        },
    )
