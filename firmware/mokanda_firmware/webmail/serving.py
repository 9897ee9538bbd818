# SPDX-License-Identifier: Apache-2.0
"""What becomes of a request: its form is read and checked, its page made, a failure explained."""

import hmac
import logging
from collections.abc import Callable
from typing import Any

import bottle
from bottle import HTTPResponse

from mokanda_firmware.mailbox.store.database import StoreBusy, StoreError, StoreFull, StoreUnfit
from mokanda_firmware.webmail import forms
from mokanda_firmware.webmail.languages import N_, Language
from mokanda_firmware.webmail.visit import Page, Refused, Visit, answer
from mokanda_firmware.webmail.wording import states

_log = logging.getLogger(__name__)

_FULL = N_("The device has no room left, so this could not be kept. Please tell your keeper.")
_BUSY = N_("The device is busy, so this could not be kept. Please try again in a minute.")
_BROKEN = N_("Something is wrong with the device's memory. Please tell your keeper.")
_OLD = N_("This page was too old. Please check it, and press the button again.")
_TOO_LONG = N_("This is too long.")


def read_form(visit: Visit, page: Page) -> None:
    """Read what was filled in; files go into the store where the page takes them."""

    def is_ours(form: forms.Form) -> bool:
        return hmac.compare_digest(form["csrf"].encode(), visit.csrf.encode())

    def takes_files(form: forms.Form) -> bool:
        return page.takes_files and visit.account is not None and is_ours(form)

    visit.form = forms.read(
        visit.request.environ, visit.store, visit.site.upload_limit, takes_files, page.text_limit
    )
    visit.form_is_ours = is_ours(visit.form)


def handled(visit: Visit, page: Page, arguments: dict[str, Any]) -> HTTPResponse:
    """Have a page made; a form that cannot be taken is given back where its page does that."""
    try:
        if page.method == "POST":
            _check_form(visit, page)
        return page.handler(visit, **arguments)
    except (Refused, StoreError) as error:
        if page.rescue is None:
            raise
        status, text = explain(error, visit.language)
        response = page.rescue(visit, text)
        response.status = status
        return response


def _check_form(visit: Visit, page: Page) -> None:
    if not visit.form_is_ours:
        raise Refused(403, _OLD)
    wrong = {forms.TOO_LARGE, forms.TOO_LONG, forms.MALFORMED}
    if visit.form.problem in wrong and not page.takes_files:
        raise Refused(413, _TOO_LONG)


def explain(error: Refused | StoreError, language: Language) -> tuple[int, str]:
    """Return the status and the sentence for what went wrong."""
    if isinstance(error, Refused):
        return error.status, error.sentence(language)
    _log.error("%s %s", bottle.request.method, bottle.request.path, exc_info=error)
    if isinstance(error, StoreFull):
        return 507, language.text(_FULL)
    if isinstance(error, StoreBusy):
        return 503, language.text(_BUSY)
    if isinstance(error, StoreUnfit):
        _, sentence = states.STORE[error.state]
        return 500, f"{language.text(sentence)} {language.text(_BROKEN)}"
    return 500, language.text(_BROKEN)


def static(content: bytes, media_type: str) -> Callable[[], HTTPResponse]:
    """Serve a file that never changes under its name."""
    headers = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }
    return lambda: answer(bottle.request, content, 200, headers)
