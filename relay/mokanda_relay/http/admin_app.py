# SPDX-License-Identifier: Apache-2.0
"""The operator's listener: fleet page, a device's cards, releases, metrics, providers' webhooks.

It speaks plain HTTP, on loopback or behind a proxy. Of its paths only those of the webhooks need to
be reachable from the world.
"""

from __future__ import annotations

import base64
import hmac
import logging
import re
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qsl

import sqlalchemy as sa
from bottle import Bottle, HTTPResponse, SimpleTemplate, request, static_file

from mokanda_relay.http.operator_password import (
    TRIES_WITHIN,
    OperatorPassword,
    TooManyTriesError,
)
from mokanda_relay.http.serving import arriving, caller, content_length, header
from mokanda_relay.http.webhooks import WebhookPath
from mokanda_relay.operator import devices, fleet, metrics, moving, rollouts
from mokanda_relay.relay import Relay
from mokanda_relay.store import clock
from mokanda_relay.store.releases import ReleaseError
from mokanda_relay.store.tables import Device
from mokanda_relay.sync import cards
from mokanda_relay.sync.rollout import STABLE

_VIEWS = Path(__file__).parent / "views"
_MAX_ALERTS = 30
_MAX_FORM, _MAX_FIELDS = 1000, 4  # bytes, fields
_MAX_RELEASES = 20  # the last ones
_RELEASE_ACTS: dict[str, Callable[[Relay, str], None]] = {
    "hold": rollouts.hold,
    "go-on": rollouts.go_on,
    "withdraw": rollouts.withdraw,
    "to-all": partial(rollouts.widen, channel=None, share=100),
    "to-stable": partial(rollouts.widen, channel=STABLE, share=None),
}
_CARD = re.compile(r"[0-9]{1,15}")
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

log = logging.getLogger(__name__)


class AdminApp:
    """The operator's listener of one relay; `app` is its WSGI application."""

    def __init__(self, relay: Relay) -> None:
        """Prepare page and webhooks.

        Raises:
            SettingsError: a setting of a webhook's makes no sense.
        """
        self._relay = relay
        self._password = OperatorPassword(relay.operator_password)
        self._page = SimpleTemplate(name="fleet.tpl", lookup=[str(_VIEWS)])
        self._cards_page = SimpleTemplate(name="cards.tpl", lookup=[str(_VIEWS)])
        self._releases_page = SimpleTemplate(name="releases.tpl", lookup=[str(_VIEWS)])
        self.app = Bottle()
        self.app.config["catchall"] = False  # what is not foreseen goes to the server's log
        for path, method, handler in (
            ("/", "GET", self._behind_password(self._fleet)),
            ("/device/<name>/cards", "GET", self._behind_password(self._cards)),
            ("/device/<name>/cards", "POST", self._behind_password(self._choose_card)),
            ("/releases", "GET", self._behind_password(self._releases)),
            ("/releases", "POST", self._behind_password(self._steer_release)),
            ("/metrics", "GET", self._behind_password(self._metrics)),
            ("/relay.css", "GET", self._style),
            ("/healthz", "GET", self._health),
        ):
            self.app.route(path, method, handler)
        self._webhooks = relay.webhooks()
        for webhook in self._webhooks:
            posts = WebhookPath(webhook, relay.database)
            self.app.route(posts.route, "ANY", posts.answer)

    def _fleet(self) -> HTTPResponse:
        now = clock.now()
        with self._relay.database.reading() as session:
            shown = self._page.render(
                villages=fleet.villages(session),
                alerts=fleet.alerts(session, _MAX_ALERTS),
                ago=lambda moment: fleet.ago(moment, now),
                size=fleet.size,
                limits=fleet.limits,
                updates=fleet.updates,
                held=rollouts.held(session),
                progress=moving.progress(session),
                now=now,
                missing_setting=self._relay.transport.missing_setting,
                webhooks=self._webhooks,
            )
        return _html(shown)

    def _cards(self, name: str) -> HTTPResponse:
        now = clock.now()
        with self._relay.database.reading() as session:
            device = session.scalar(sa.select(Device).where(Device.name == name))
            if device is None:
                return _plain(HTTPStatus.NOT_FOUND, "there is no such device")
            shown = self._cards_page.render(
                name=name,
                cards=cards.living(session, device),
                at=fleet.at,
                ago=lambda moment: fleet.ago(moment, now),
                figure=fleet.figure,
                now=now,
                proof=self._proof(),
            )
        return _html(shown)

    def _choose_card(self, name: str) -> HTTPResponse:
        fields = _form()
        if not self._is_ours(fields):
            return _old_form()
        card = fields.get("card", "")
        try:
            devices.choose_card(self._relay, name, int(card) if _CARD.fullmatch(card) else 0)
        except devices.DeviceError as error:
            return _plain(HTTPStatus.CONFLICT, str(error))
        return HTTPResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": "cards"})

    def _releases(self) -> HTTPResponse:
        try:
            with self._relay.database.reading() as session:
                standings = list(islice(rollouts.standings(self._relay, session), _MAX_RELEASES))
        except ReleaseError as error:
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        shown = self._releases_page.render(
            standings=standings, now=clock.now(), proof=self._proof()
        )
        return _html(shown)

    def _steer_release(self) -> HTTPResponse:
        fields = _form()
        if not self._is_ours(fields):
            return _old_form()
        act = _RELEASE_ACTS.get(fields.get("do", ""))
        if act is None:
            return _plain(HTTPStatus.BAD_REQUEST, "that is none of the page's buttons")
        try:
            act(self._relay, fields.get("release", ""))
        except ReleaseError as error:
            return _plain(HTTPStatus.CONFLICT, str(error))
        return HTTPResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": "releases"})

    def _is_ours(self, fields: dict[str, str]) -> bool:
        """Whether a form comes from a page of this relay's."""
        return hmac.compare_digest(fields.get("proof", "").encode(), self._proof().encode())

    def _proof(self) -> str:
        """What only a form of these pages holds: browsers send the password along to any."""
        return hmac.digest(self._relay.operator_password.encode(), b"forms", "sha256").hex()

    def _style(self) -> HTTPResponse:
        return static_file("relay.css", root=_VIEWS)

    def _metrics(self) -> HTTPResponse:
        with self._relay.database.reading() as session:
            text = metrics.write(session)
        return HTTPResponse(text, headers={"Content-Type": "text/plain; version=0.0.4"})

    def _health(self) -> HTTPResponse:
        try:
            with self._relay.database.reading() as session:
                session.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError as error:
            log.error("the database does not answer: %s", error)
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer")
        return _plain(HTTPStatus.OK, "ok")

    def _behind_password(self, handler: Callable[..., HTTPResponse]) -> Callable[..., HTTPResponse]:
        """Ask for the operator's password; any user name will do."""

        def answer(**arguments: str) -> HTTPResponse:
            given = _given_password()
            try:
                if given and self._password.is_right(given, caller(request)):
                    return handler(**arguments)
            except TooManyTriesError:
                later = {"Retry-After": f"{TRIES_WITHIN:.0f}"}
                text = "there were too many wrong passwords: try again in ten minutes\n"
                return HTTPResponse(text, status=429, headers=later)
            asked = {"WWW-Authenticate": 'Basic realm="Mokanda relay", charset="UTF-8"'}
            return HTTPResponse("the operator's password, please\n", status=401, headers=asked)

        return answer


def _given_password() -> bytes:
    scheme, _, credentials = header(request, "Authorization").partition(" ")
    try:
        _, _, password = base64.b64decode(credentials, validate=True).partition(b":")
    except ValueError:
        return b""
    return password if scheme.lower() == "basic" else b""


def _form() -> dict[str, str]:
    """The fields of the form that was posted; none of one that is too long, or not like ours."""
    if (content_length(request) or _MAX_FORM) >= _MAX_FORM:
        return {}
    try:
        posted = b"".join(arriving(request)).decode("ascii")
        return dict(parse_qsl(posted, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}


def _old_form() -> HTTPResponse:
    return _plain(HTTPStatus.FORBIDDEN, "this form is an old one: open the page again")


def _html(page: str) -> HTTPResponse:
    return HTTPResponse(page, headers=_SECURITY | {"Content-Type": "text/html; charset=utf-8"})


def _plain(status: HTTPStatus, text: str) -> HTTPResponse:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return HTTPResponse(f"{text}\n", status=int(status), headers=headers)
