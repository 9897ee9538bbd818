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
_NO_COOKIE = N_(
    "This page was too old, or your browser keeps no cookies. Please press the button again. If"
    " this comes once more, allow cookies, or open this address in another browser."
)
_FILES_TOO_LARGE = N_(
    "The files are too large: those of one letter may have {limit} together. Your text is here,"
    " the new files are not."
)
_TOO_MANY_FILES = N_(
    "These are too many files: one letter takes {number} at most. Your text is here, the new files"
    " are not."
)
_NAME_TOO_LONG = N_(
    "The name of a file is too long. Please give it a shorter one. Your text is here, the new files"
    " are not."
)
_NO_ROOM = N_("The device has no room for these files. Your text is here, the new files are not.")
_TOO_LONG = N_(
    "This is too long: all that is typed here may have {typed} together, each field but the text"
    " {field}. Of what is longer only the beginning has come."
)
_CUT = N_("The connection broke before everything had come. Please add your files again.")
_MALFORMED = N_(
    "What came from your phone cannot be read. Please open the page again, and try once more."
)
NO_FILES = N_("The new files have not come. Please add them again.")
_PROBLEMS = {
    forms.TOO_LARGE: (413, _FILES_TOO_LARGE),
    forms.TOO_MANY: (413, _TOO_MANY_FILES),
    forms.NAME_TOO_LONG: (413, _NAME_TOO_LONG),
    forms.TOO_LONG: (413, _TOO_LONG),
    forms.NO_ROOM: (507, _NO_ROOM),
    forms.CUT: (400, _CUT),
    forms.MALFORMED: (400, _MALFORMED),
}


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
    if not (visit.form_is_ours or page.is_harmless):
        raise Refused(403, _OLD if visit.has_cookie else _NO_COOKIE)
    if visit.form.problem:
        raise refusal(visit, visit.form.problem, page.text_limit)


def refusal(visit: Visit, problem: str, text_limit: int = forms.LONG) -> Refused:
    """Say what is wrong with a form, by its word for that."""
    status, text = _PROBLEMS[problem]
    size = visit.language.size
    return Refused(
        status,
        text,
        limit=size(visit.site.upload_limit),
        number=forms.MAX_FILES,
        typed=size(text_limit),
        field=size(forms.SHORT),
    )


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
