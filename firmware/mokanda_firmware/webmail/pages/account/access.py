# SPDX-License-Identifier: Apache-2.0
"""Coming in, registering, going out, and the language of the pages."""

import contextlib
import math
from collections.abc import Iterator

from bottle import HTTPResponse

from mokanda_firmware.mailbox.letters import drafts
from mokanda_firmware.mailbox.people import accounts, registration
from mokanda_firmware.mailbox.store import novelty
from mokanda_firmware.mailbox.store.database import StoreFull
from mokanda_firmware.webmail import cookies, typed
from mokanda_firmware.webmail.forms import LONG
from mokanda_firmware.webmail.languages import N_, languages
from mokanda_firmware.webmail.pages.letters.sheet import FIELDS, Sheet, fields_of, keep
from mokanda_firmware.webmail.serving import NO_FILES
from mokanda_firmware.webmail.throttle import trying
from mokanda_firmware.webmail.visit import Refused, Visit, get, post
from mokanda_wire.address import AddressError, check_local_part

_MAX_TRIED = 64  # characters of a name that throttles keep
_KEPT = (*FIELDS, "draft")  # of a letter whose session has ended, until its writer has logged in
_WRONG = N_("This name and password do not belong together.")
SUSPENDED = N_("Your account is suspended. Please talk to your keeper.")
TAKEN = N_("Somebody has this name already. Please choose another one.")
BAD_NAME = N_(
    "The name for your address starts with a letter from a to z. After it come letters, digits,"
    " and single dots, hyphens or underscores: 2 to 32 in all."
)
_NO_NAME = N_("Please tell your name.")
_BAD_PASSWORD = N_("A password has at least {number} characters.")
_BAD_CODE = N_("This is not the code of the village. Your keeper knows it.")
_CLOSED = N_("The keeper of this device gives out the accounts here. Please ask them for one.")
_LOGGED_OUT = N_("You were logged out. Please log in again.")
_LOGGED_OUT_KEPT = N_("You were logged out. Please log in again; what you wrote is kept.")
_NO_ROOM = N_(
    "The device has no room left, so that nobody can log in now. Please tell your keeper. Whoever"
    " is logged in already can go on reading."
)
_NOT_THE_SAME = N_("The two passwords are not the same.")


@get("/", access="everyone")
def home(visit: Visit) -> HTTPResponse:
    """Let those in who are logged in; the others log in here. A new device says welcome."""
    if visit.account:
        return visit.redirect("/inbox")
    if visit.site.first_step() == "account":
        return visit.page("device/first-welcome", bare=True, asks_language=True)
    return _log_in_page(visit)


def _give_back_log_in(visit: Visit, problem: str) -> HTTPResponse:
    return _log_in_page(visit, problem)


@post("/login", access="everyone", text_limit=LONG, rescue=_give_back_log_in)
def log_in(visit: Visit) -> HTTPResponse:
    """Check name and password, as often as the throttles allow."""
    name = typed.villager(visit.form["name"])
    with throttled(visit, name) as seconds:
        if seconds:
            return _log_in_page(visit, wait_sentence(visit, seconds), status=429)
        account = accounts.authenticate(visit.store, name, visit.form["password"])
        if account is None:
            raise Refused(403, _WRONG)
    if account.suspended:
        raise Refused(403, SUSPENDED)
    try:
        visit.log_in(account, shared=bool(visit.form["shared"]))
    except StoreFull as error:
        raise Refused(507, _NO_ROOM) from error
    kept = {name: visit.form[f"kept-{name}"] for name in FIELDS}
    if any(kept.values()):
        number = visit.form.number("kept-draft")
        draft = drafts.load(visit.store, account.id, number) if number else None
        letter = (Sheet.of_draft(draft) if draft else Sheet()).with_fields(kept)
        return visit.redirect("/write", draft=keep(visit, letter).draft)
    return visit.redirect("/inbox")


@contextlib.contextmanager
def throttled(visit: Visit, name: str) -> Iterator[float]:
    """Give the seconds that this phone has to wait before it tries a secret of this account again.

    A try that is refused with 403 counts as a failure. One that ends well forgives those of the
    phone at this account alone, and makes it known there: others who try the account's secrets can
    then not make it wait.
    """
    site, phone, name = visit.site, visit.phone, name[:_MAX_TRIED]
    throttles = [(site.of_account, (name, phone)), (site.of_phone, phone)]
    if not site.knows_phone(name, phone):
        throttles.append((site.of_strangers, name))
    with trying(*throttles) as attempt:
        try:
            yield attempt.seconds
        except Refused as refused:
            attempt.failed = refused.status == 403
            raise
    if not attempt.seconds:
        site.of_account.forget((name, phone))
        site.note_phone(name, phone)


def ask_to_log_in(visit: Visit) -> HTTPResponse:
    """Answer a form that came from a page whose session has ended; keep what was written."""
    fields = {**fields_of(visit), "draft": visit.form["draft"]}
    kept = {name: fields[name] for name in _KEPT if fields[name]}
    text = visit.language.text
    problem = text(_LOGGED_OUT_KEPT) if kept else text(_LOGGED_OUT)
    if visit.form.passed_over or visit.form["forward"]:
        problem += f" {text(NO_FILES)}"
    return _log_in_page(visit, problem, status=403, kept=kept)


@get("/register", access="everyone")
def ask_to_register(visit: Visit) -> HTTPResponse:
    """Show the form for a new account."""
    return _register_page(visit)


def _give_back_register(visit: Visit, problem: str) -> HTTPResponse:
    return _register_page(visit, problem)


@post("/register", access="everyone", rescue=_give_back_register)
def register(visit: Visit) -> HTTPResponse:
    """Make an account and log in to it, as far as the village's rule lets one in."""
    rule = registration.rule(visit.store)
    with throttled(visit, "registration") as seconds:
        if seconds:
            return _register_page(visit, wait_sentence(visit, seconds), status=429)
        if not rule.lets_in(visit.form["code"]):
            raise Refused(403, _CLOSED if rule.way == "closed" else _BAD_CODE)
    name, display_name = new_names(visit)
    password = visit.form["password"]
    check_new_password(password, visit.form["again"])
    newcomers = (visit.site.of_newcomers, visit.phone), (visit.site.of_newcomers_together, "")
    with trying(*newcomers) as attempt:
        if attempt.seconds:
            return _register_page(visit, _too_many_sentence(visit, attempt.seconds), status=429)
        try:
            account = accounts.register(
                visit.store, name, display_name, password, visit.language.code
            )
        except accounts.NameTaken as error:
            raise Refused(409, TAKEN) from error
        attempt.failed = True  # each one that is made counts
    if account.is_keeper:
        with visit.store.reading() as connection:
            novelty.note(connection)
    visit.log_in(account)
    return show_code(visit, visit.language.text("Welcome, {name}!").format(name=display_name))


def show_code(visit: Visit, title: str) -> HTTPResponse:
    """Make a new recovery code and show it, this once."""
    code = accounts.new_recovery_code(visit.store, visit.villager.id)
    bare = visit.villager.is_keeper and bool(visit.site.first_step())
    return visit.page(
        "account/recovery-code", title=title, code=code, domain=visit.site.domain(), bare=bare
    )


def new_names(visit: Visit) -> tuple[str, str]:
    """Return the name for the address of a new account, and the villager's own, from the form."""
    display_name = typed.display_name(visit.form["display_name"])
    try:
        address = typed.plain(visit.form["name"]).strip().lower()
        name = check_local_part(address.removesuffix(f"@{visit.domain}"))
    except AddressError as error:
        raise Refused(422, BAD_NAME) from error
    if not display_name:
        raise Refused(422, _NO_NAME)
    return name, display_name


def check_new_password(password: str, again: str) -> None:
    """Refuse a password that is too short, or was mistyped once."""
    if not accounts.MIN_PASSWORD <= len(password) <= accounts.MAX_PASSWORD:
        raise Refused(422, _BAD_PASSWORD, number=accounts.MIN_PASSWORD)
    if password != again:
        raise Refused(422, _NOT_THE_SAME)


@post("/logout")
def log_out(visit: Visit) -> HTTPResponse:
    """End the session of this phone."""
    visit.log_out()
    return visit.redirect("/", "logged-out")


@post("/language", access="everyone")
def change_language(visit: Visit) -> HTTPResponse:
    """Show the pages in another language from now on."""
    code = visit.form["language"]
    if code in languages():
        visit.set_cookie(cookies.LANGUAGE, code)
        if visit.account:
            accounts.set_language(visit.store, visit.account.id, code)
    back = visit.form["back"]
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return visit.redirect(back if is_ours else "/")


def _log_in_page(
    visit: Visit, problem: str = "", status: int = 200, kept: dict[str, str] | None = None
) -> HTTPResponse:
    if kept is None:
        kept = {name: visit.form[f"kept-{name}"] for name in _KEPT if visit.form[f"kept-{name}"]}
    return visit.page(
        "account/log-in",
        status,
        problem=problem,
        name=visit.form["name"] if visit.request.path == "/login" else "",
        shared=visit.form["shared"],
        kept=kept,
    )


def _register_page(visit: Visit, problem: str = "", status: int = 200) -> HTTPResponse:
    invitation = visit.request.query.getunicode("code", "")[:40]
    return visit.page(
        "account/register",
        status,
        problem=problem,
        name=visit.form["name"],
        code=visit.form["code"] if visit.request.method == "POST" else invitation,
        way=registration.rule(visit.store).way,
        display_name=visit.form["display_name"],
        domain=visit.site.domain(),
        min_password=accounts.MIN_PASSWORD,
        is_first=visit.site.first_step() == "account",
    )


def _too_many_sentence(visit: Visit, seconds: float) -> str:
    """Say how long a phone has to wait before it makes another account."""
    minutes = max(1, math.ceil(seconds / 60))
    return visit.language.plural(
        "Many accounts were made just now. Please try again in {number} minute.",
        "Many accounts were made just now. Please try again in {number} minutes.",
        minutes,
    ).format(number=minutes)


def wait_sentence(visit: Visit, seconds: float) -> str:
    """Say how long a phone has to wait after wrong passwords."""
    minutes = max(1, math.ceil(seconds / 60))
    return visit.language.plural(
        "Too many wrong passwords. Please try again in {number} minute.",
        "Too many wrong passwords. Please try again in {number} minutes.",
        minutes,
    ).format(number=minutes)
