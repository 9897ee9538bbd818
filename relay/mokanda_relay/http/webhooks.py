# SPDX-License-Identifier: Apache-2.0
"""The webhooks: what providers post is taken, or comes again.

SendGrid drops a mail at once when it is answered 4xx, and tries again for three days after a 5xx.
So whatever is wrong with a post is ours to mend, or the operator's, who is told once a day.
"""

from __future__ import annotations

import datetime as dt
import hmac
import io
import logging
from functools import partial
from http import HTTPStatus

import sqlalchemy as sa
from bottle import HTTPResponse, request

from mokanda_relay.http.serving import arriving, content_length, header, is_chunked
from mokanda_relay.store import alerts
from mokanda_relay.store.database import Database
from mokanda_relay.transport.webhook import (
    BadPostError,
    NotSetUpError,
    Post,
    TooLargeError,
    Webhook,
)

_TOLD_EVERY = dt.timedelta(days=1)

log = logging.getLogger(__name__)


class WebhookPath:
    """Everything below one webhook's path, whoever asks for it and how."""

    def __init__(self, webhook: Webhook, database: Database) -> None:
        """Take posts for the webhook; what is wrong with them becomes an alert in `database`."""
        self.route = f"/{webhook.name}<rest:re:(?:/.*)?>"
        self._webhook = webhook
        self._database = database

    def answer(self, rest: str) -> HTTPResponse:
        """Answer 200 when what was posted is kept, 503 otherwise."""
        trouble = self._before_reading(rest) or self._read()
        if trouble:
            text = f"what was posted to /{self._webhook.name} waits at the provider: {trouble}"
            alerts.report_seldom(self._database, _TOLD_EVERY, "webhook", text)
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, trouble)
        return _plain(HTTPStatus.OK, "taken")

    def _before_reading(self, rest: str) -> str:
        """What is wrong with a post, as far as its headers tell; "" for nothing."""
        secret = rest.removeprefix("/")
        if not hmac.compare_digest(secret.encode(), self._webhook.secret.encode()):
            return "the path is not the one that `mokanda-relay webhooks` prints"
        if self._webhook.missing_setting:
            return f"{self._webhook.missing_setting} is not set"
        if request.method != "POST":
            return "it did not come by POST"
        if (content_length(request) or 0) > self._webhook.max_bytes:
            return self._too_large()
        return ""

    def _read(self) -> str:
        length = None if is_chunked(request) else content_length(request) or 0
        body = _Body(self._webhook.max_bytes)
        try:
            self._webhook.receive(Post(partial(header, request), length, io.BufferedReader(body)))
        except TooLargeError:
            return self._too_large()
        except (BadPostError, NotSetUpError) as error:
            log.warning("a post to /%s: %s", self._webhook.name, error.__cause__ or error)
            return str(error)
        except (OSError, sa.exc.OperationalError) as error:
            log.error("a post to /%s could not be stored: %s", self._webhook.name, error)
            return "it could not be stored; the log says why"
        return ""

    def _too_large(self) -> str:
        return f"it has more than {self._webhook.max_bytes} bytes"


class _Body(io.RawIOBase):
    """The request's body as a file; TooLargeError behind so many bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._pieces = arriving(request)
        self._piece = memoryview(b"")
        self._left = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._piece = self._piece or memoryview(next(self._pieces, b""))
        taken = min(len(buffer), len(self._piece))
        self._left -= taken
        if self._left < 0:
            raise TooLargeError
        buffer[:taken] = self._piece[:taken]
        self._piece = self._piece[taken:]
        return taken


def _plain(status: HTTPStatus, text: str) -> HTTPResponse:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return HTTPResponse(f"{text}\n", status=int(status), headers=headers)
