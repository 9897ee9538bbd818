# SPDX-License-Identifier: Apache-2.0
"""The operator's listener: the fleet page, metrics, and the webhooks that providers post to.

It speaks plain HTTP, on loopback or behind a proxy. Of its paths only those of the webhooks need to
be reachable from the world.
"""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import sqlalchemy as sa
from bottle import Bottle, HTTPResponse, SimpleTemplate, request, static_file

from mokanda_relay.http.serving import header
from mokanda_relay.http.webhooks import WebhookPath
from mokanda_relay.operator import fleet, metrics
from mokanda_relay.relay import Relay
from mokanda_relay.store import clock

_VIEWS = Path(__file__).parent / "views"
_MAX_ALERTS = 30
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
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
        self._page = SimpleTemplate(name="fleet.tpl", lookup=[str(_VIEWS)])
        self.app = Bottle()
        self.app.config["catchall"] = False  # what is not foreseen goes to the server's log
        for path, method, handler in (
            ("/", "GET", self._behind_password(self._fleet)),
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
                now=now,
                missing_setting=self._relay.transport.missing_setting,
                webhooks=self._webhooks,
            )
        return HTTPResponse(shown, headers=_SECURITY | {"Content-Type": "text/html; charset=utf-8"})

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

    def _behind_password(self, handler: Callable[[], HTTPResponse]) -> Callable[[], HTTPResponse]:
        """Ask for the operator's password; any user name will do."""
        password = self._relay.operator_password.encode()

        def answer() -> HTTPResponse:
            if hmac.compare_digest(_given_password(), password):
                return handler()
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


def _plain(status: HTTPStatus, text: str) -> HTTPResponse:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return HTTPResponse(f"{text}\n", status=int(status), headers=headers)
