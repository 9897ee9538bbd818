# SPDX-License-Identifier: Apache-2.0
"""One request as the pages see it: who asks, in which language, and how to answer."""

import contextlib
import gzip
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bottle import HTTPResponse, LocalRequest, SimpleTemplate

from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.letters import folders
from mokanda_firmware.mailbox.people import aliases, first_steps, sessions
from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.store.settings import setting
from mokanda_firmware.webmail import cookies
from mokanda_firmware.webmail.captivity import Captivity
from mokanda_firmware.webmail.forms import SHORT, Form, Turns
from mokanda_firmware.webmail.languages import N_, Language, choose, languages
from mokanda_firmware.webmail.numbers import number
from mokanda_firmware.webmail.presence import Presence
from mokanda_firmware.webmail.throttle import Throttle
from mokanda_firmware.webmail.wording import lookalikes, notes, origin
from mokanda_wire.message import Mailbox

HERE = Path(__file__).parent
_MAX_KNOWN = 1000  # phones on which accounts are known
_MAX_PLAIN = 256_000  # bytes of an answer
_COOKIE_SECONDS = 365 * 24 * 3600
_NOT_SURE = N_("Please tick that you are sure.")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
POLICY_WITH_SCRIPT = (
    SECURITY_HEADERS["Content-Security-Policy"] + "; script-src 'self'; connect-src 'self'"
)
# Addresses of a village that no relay has named yet; RFC 2606 keeps the world from using it.
UNNAMED_DOMAIN = "village.invalid"


@dataclass
class Site:
    """What all requests share."""

    store: Store
    upload_limit: int  # bytes of all attachments of a mail
    # Tries of secrets: of an account by a phone, of an account by phones that it is not known on,
    # and of all accounts by a phone.
    of_account: Throttle = field(default_factory=lambda: Throttle(free=5))
    of_strangers: Throttle = field(default_factory=lambda: Throttle(free=20))
    of_phone: Throttle = field(default_factory=lambda: Throttle(free=20))
    # New accounts: those that a phone makes, and all.
    of_newcomers: Throttle = field(default_factory=lambda: Throttle(free=5, first_wait_seconds=60))
    of_newcomers_together: Throttle = field(default_factory=lambda: Throttle(free=60))
    _known: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)
    turns: Turns = field(default_factory=Turns)
    captivity: Captivity = field(default_factory=Captivity)
    presence: Presence = field(default_factory=Presence)
    _is_set_up: bool = False

    def note_phone(self, name: str, phone: str) -> None:
        """Somebody has logged in to this account on a phone."""
        self._known[name, phone] = None
        self._known.move_to_end((name, phone))
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)

    def knows_phone(self, name: str, phone: str) -> bool:
        """Whether somebody has, since the webmail was started."""
        return (name, phone) in self._known

    @cached_property
    def stylesheet(self) -> bytes:
        """The one stylesheet."""
        return (HERE / "static" / "mokanda.css").read_bytes()

    @cached_property
    def script(self) -> bytes:
        """The one script: it keeps letters while they are written."""
        return (HERE / "static" / "keep.js").read_bytes()

    @cached_property
    def script_path(self) -> str:
        """Where it is, changing with what is in it."""
        return f"/keep-{hashlib.sha256(self.script).hexdigest()[:12]}.js"

    @cached_property
    def stylesheet_path(self) -> str:
        """Where it is; the path changes with what is in it, so that phones keep it for ever."""
        return f"/style-{hashlib.sha256(self.stylesheet).hexdigest()[:12]}.css"

    def first_step(self) -> str:
        """Return which of a new device's first steps comes next, "" when they are done."""
        step = "" if self._is_set_up else first_steps.step(self.store)
        self._is_set_up = not step
        return step

    def domain(self) -> str:
        """Return the village's mail domain as its claim names it, "" before that."""
        setup = SetupStatus.read()
        return setup.domain if setup else ""


class Visit:
    """One request; made for it, and gone with its answer."""

    form_is_ours = False  # whether it has shown that it comes from a page of this phone

    def __init__(self, site: Site, request: LocalRequest) -> None:
        self.site = site
        self.store = site.store
        self.request = request
        self.form = Form()  # what was filled in; empty until a POST's has been read
        sent = cookies.read(header(request, "COOKIE"))
        self.token = sent.get(cookies.TOKEN, "")
        self.has_cookie = bool(self.token)  # the first visit has none, as one that keeps none
        self.account = self._account()
        self._cookies: list[tuple[str, str, int | None]] = []
        if not self.token:
            self.change_token(secrets.token_urlsafe(32))
        self.language: Language = choose(
            [
                self.account.language if self.account else "",
                sent.get(cookies.LANGUAGE, ""),
            ],
            header(request, "ACCEPT_LANGUAGE"),
        )

    @property
    def phone(self) -> str:
        """The phone's address in the village's network."""
        return str(self.request.environ.get("REMOTE_ADDR", ""))

    @property
    def villager(self) -> Account:
        """The account that is logged in; for pages that are only theirs."""
        assert self.account is not None
        return self.account

    @property
    def csrf(self) -> str:
        """What a form must bring back to show that it came from a page of this phone."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()[:32]

    @cached_property
    def zone(self) -> str:
        """The village's time zone, "" for the device's own."""
        return str(setting(self.store, "timezone", ""))

    @cached_property
    def domain(self) -> str:
        """The domain of the village's addresses."""
        return self.site.domain() or UNNAMED_DOMAIN

    @cached_property
    def village(self) -> str:
        """The village's name, "" when nobody gave it one."""
        setup = SetupStatus.read()
        return str(setting(self.store, "village", "") or (setup.village if setup else ""))

    def change_token(self, token: str, *, shared: bool = False) -> None:
        """Give the phone a new token: it is somebody else from now on."""
        self.token = token
        self.set_cookie(cookies.TOKEN, token, None if shared else _COOKIE_SECONDS)

    def set_cookie(self, name: str, value: str, seconds: int | None = _COOKIE_SECONDS) -> None:
        """Let the phone keep a value, without `seconds` until its browser is closed."""
        self._cookies.append((name, value, seconds))

    def log_in(self, account: Account, *, shared: bool = False) -> None:
        """Make this phone the account's, under a token that nobody has seen before.

        On one that is `shared`, for a short time.
        """
        token = sessions.open_session(self.store, account.id, shared=shared)
        self.change_token(token, shared=shared)
        self.account = account

    def log_out(self) -> None:
        """End this phone's session; with a full disk at least the phone forgets it."""
        with contextlib.suppress(StoreError):
            sessions.close_session(self.store, self.token)
        self.change_token(secrets.token_urlsafe(32))
        self.account = None

    def make_sure(self) -> None:
        """Refuse a form whose "sure" was not ticked."""
        if not self.form["sure"]:
            raise Refused(422, _NOT_SURE)

    def page(
        self,
        template: str,
        status: int = 200,
        script: bool = False,
        **values: Any,  # noqa: ANN401
    ) -> HTTPResponse:
        """Answer with a page made from `templates/<template>.tpl`, which may have the script."""
        unread = folders.unread(self.store, self.account.id) if self.account else {}
        text = _template(template).render(
            _=self.language.text,
            ngettext=self.language.plural,
            account=self.account,
            csrf=self.csrf,
            is_here=self.is_here,
            language=self.language,
            languages=languages().values(),
            note=notes.text(self.language, self.request.query.get("note", "")),
            undo=re.findall("[0-9]+", self.request.query.get("undo", "")),
            back=self._back(),
            called=self.called,
            path=self.request.path,
            poses=self.poses,
            short=origin.short,
            size=self.language.size,
            script=self.site.script_path if script else "",
            stylesheet=self.site.stylesheet_path,
            unread=unread,
            urlencode=urlencode,
            village=self.village,
            when=lambda at: self.language.date(at, self.zone),
            when_exactly=lambda at: self.language.date_and_time(at, self.zone),
            who=self.who,
            who_is=self.who_is,
            **values,
        )
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",  # a phone is often shared
            "Vary": "Accept-Encoding, Accept-Language, Cookie",
        }
        if script:
            headers["Content-Security-Policy"] = POLICY_WITH_SCRIPT
        return self._with_cookies(answer(self.request, text.encode(), status, headers))

    def redirect(self, path: str, note: str = "", **query: object) -> HTTPResponse:
        """Send the phone to another page, which says what was done."""
        query = {name: value for name, value in {**query, "note": note}.items() if value != ""}
        location = f"{path}?{urlencode(query)}" if query else path
        return self._with_cookies(
            HTTPResponse("", 303, {"Location": location, "Cache-Control": "no-store"})
        )

    def number(self, name: str) -> int | None:
        """Return a number of the store from the page's address, None when there is none."""
        return number(self.request.query.get(name, ""))

    def is_here(self, address: str) -> bool:
        """Whether an address is of this village."""
        return address.lower().rpartition("@")[2] in {self.domain, UNNAMED_DOMAIN}

    def who(self, mailbox: Mailbox, *, from_outside: bool = False) -> str:
        """Name somebody as a list does: the name, else the address, of a villager its beginning.

        Who has written a letter that came `from_outside` is no villager, and the page says so.
        Others of the world who are called as a villager is have their address with the name.
        """
        name, address = mailbox.name, mailbox.address
        if self.is_here(address) and not from_outside:
            local = address.partition("@")[0]
            return self.called(local, name) if name else local
        is_alike = not from_outside and name and lookalikes.key(name) in self._neighbours
        return f"{address} ({name})" if is_alike else name or address

    def called(self, local: str, name: str) -> str:
        """Name a villager by this name, together with the local part if another one shows it too.

        That stands first, as lists cut what is long.
        """
        own = local.lower().partition("+")[0]
        others = (
            names for names in self._villagers.get(lookalikes.key(name), ()) if own not in names
        )
        return f"{local} ({name})" if any(others) else name

    def who_is(self, account: Account) -> str:
        """Name a villager as lists do."""
        return self.called(account.name, account.display_name)

    def poses(self, sender: Mailbox) -> bool:
        """Whether who wrote a letter from outside bears a villager's name or address."""
        return origin.poses(sender, self.domain, self._neighbours)

    @cached_property
    def _villagers(self) -> dict[str, list[frozenset[str]]]:
        """Who shows each name, as names are compared: the local parts of these villagers."""
        found: dict[str, list[frozenset[str]]] = {}
        for name, own in aliases.all_shown(self.store):
            found.setdefault(lookalikes.key(name), []).append(own)
        return found

    @cached_property
    def _neighbours(self) -> frozenset[str]:
        """The names of all villagers, as names are compared."""
        own = (name for all_own in self._villagers.values() for each in all_own for name in each)
        return frozenset(filter(None, {*self._villagers, *map(lookalikes.key, own)}))

    def _account(self) -> Account | None:
        """Return who is logged in on this phone."""
        if not self.token:
            return None
        accept = header(self.request, "ACCEPT")
        webp = "image/webp" in accept if "text/html" in accept else None
        return sessions.account_of(self.store, self.token, webp=webp)

    def _back(self) -> str:
        """Return the page to come back to when only the language changes."""
        path = str(self.request.path)
        if self.request.method != "POST":
            parts = str(self.request.query_string).split("&")
            kept = "&".join(part for part in parts if not part.startswith(("note=", "undo=")))
            return f"{path}?{kept}" if kept else path
        return path if ("GET", path) in _PLACES else path.rpartition("/")[0] or "/"

    def _with_cookies(self, response: HTTPResponse) -> HTTPResponse:
        for name, value, seconds in self._cookies:
            lasting = {} if seconds is None else {"max_age": seconds}
            response.set_cookie(name, value, path="/", httponly=True, samesite="lax", **lasting)
        return response


def header(request: LocalRequest, name: str) -> str:
    """Return a header as it came, in latin-1: phones send bytes in them that are no UTF-8."""
    return str(request.environ.get(f"HTTP_{name}", ""))


def answer(
    request: LocalRequest, body: bytes, status: int, headers: Mapping[str, str]
) -> HTTPResponse:
    """Answer with these bytes, packed when the phone can unpack them.

    Large ones always are, for they are in memory until a slow phone has them; every browser can.
    """
    response = HTTPResponse(body, status, {**SECURITY_HEADERS, **headers})
    if "gzip" in header(request, "ACCEPT_ENCODING") or len(body) > _MAX_PLAIN:
        response.body = gzip.compress(body, compresslevel=6, mtime=0)
        response.set_header("Content-Encoding", "gzip")
    response.set_header("Content-Length", str(len(response.body)))
    return response


def to_save(body: bytes | Iterable[bytes], media_type: str, name: str) -> HTTPResponse:
    """Answer with a file to be saved; its name is ours, of plain letters."""
    return HTTPResponse(
        body,
        200,
        {
            **SECURITY_HEADERS,
            "Content-Type": media_type,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


class Refused(Exception):  # noqa: N818 - not an error of the program
    """The request cannot be granted; `text` is of the catalogues, `values` fill it in."""

    def __init__(self, status: int, text: str, /, **values: object) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self._values = values

    def sentence(self, language: Language) -> str:
        """Say it in a language."""
        return language.text(self.text).format(**self._values)


def is_for(access: str, account: Account) -> bool:
    """Whether pages of this access are for who has this account."""
    if access == "helper":
        return account.is_helper
    return account.is_keeper if access in {"keeper", "newcomer"} else True


Handler = Callable[..., HTTPResponse]
Rescue = Callable[[Visit, str], HTTPResponse]


class Page(NamedTuple):
    """One page: what serves it, for whom, and how to give a form back that failed."""

    method: str
    path: str
    handler: Handler
    access: str  # everyone | villager | helper | keeper | newcomer (keeper, once there is one)
    takes_files: bool = False
    rescue: Rescue | None = None
    text_limit: int = SHORT  # bytes of all fields of a form
    is_harmless: bool = False  # what is pressed there may come from anywhere


PAGES: list[Page] = []
_PLACES: set[tuple[str, str]] = set()


def get(path: str, access: str = "villager") -> Callable[[Handler], Handler]:
    """Serve a page; it changes nothing."""
    return _page("GET", path, access)


def post(
    path: str,
    access: str = "villager",
    *,
    takes_files: bool = False,
    text_limit: int = SHORT,
    rescue: Rescue | None = None,
    is_harmless: bool = False,
) -> Callable[[Handler], Handler]:
    """Serve a form, once it has shown where it comes from, unless it `is_harmless`.

    `rescue` answers with the form as it was filled in, and a sentence on top, when it cannot be
    taken: what a villager has written is never lost.
    """
    return _page("POST", path, access, takes_files, rescue, text_limit, is_harmless)


def _page(
    method: str,
    path: str,
    access: str,
    takes_files: bool = False,
    rescue: Rescue | None = None,
    text_limit: int = SHORT,
    is_harmless: bool = False,
) -> Callable[[Handler], Handler]:
    def keep(handler: Handler) -> Handler:
        page = Page(method, path, handler, access, takes_files, rescue, text_limit, is_harmless)
        PAGES.append(page)
        _PLACES.add((method, path))
        return handler

    return keep


@cache
def _template(name: str) -> SimpleTemplate:
    return SimpleTemplate(name=f"{name}.tpl", lookup=[str(HERE / "templates")])
