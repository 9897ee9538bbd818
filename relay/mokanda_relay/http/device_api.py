# SPDX-License-Identifier: Apache-2.0
"""The HTTP API that devices speak (mokanda_wire.protocol): thin; what it does is in its callees."""

from __future__ import annotations

import errno
import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from bottle import Bottle, HTTPResponse, request

from mokanda_relay.http.serving import (
    arriving,
    blob_response,
    caller,
    content_length,
    followed_by_blob,
    header,
)
from mokanda_relay.operator.claims import Throttle, redeem
from mokanda_relay.relay import Relay
from mokanda_relay.store import releases
from mokanda_relay.store.tables import Device, DownBundle
from mokanda_relay.sync import fault, session
from mokanda_relay.sync.hello import hello
from mokanda_relay.sync.refusals import RefusedError
from mokanda_relay.sync.up.receive import receive
from mokanda_wire import protocol
from mokanda_wire.envelope import MAX_SIGNED, KeyringError

_MAX_CLAIM = 2 * MAX_SIGNED  # a key, and what it has signed
_LATER_FROM, _LATER_SPREAD = 5, 25  # minutes, so that they do not come together again
_SIGNATURES_AT_ONCE = 8  # each is a process of GnuPG's
_SIGNATURE_WITHIN = 30  # seconds

log = logging.getLogger(__name__)


class DeviceApi:
    """The API of one relay; `app` is its WSGI application."""

    def __init__(self, relay: Relay, is_full: Callable[[], bool] = lambda: False) -> None:
        """While the relay `is_full`, sessions that are under way go on, and others come later."""
        self._relay = relay
        self._is_full = is_full
        self._throttle = Throttle()
        self._signatures = threading.BoundedSemaphore(_SIGNATURES_AT_ONCE)
        self.app = Bottle()
        self.app.config["catchall"] = False  # what is not foreseen goes to the server's log
        for path, method, handler in (
            (protocol.CLAIM, "POST", self._claim),
            (protocol.HELLO, "POST", self._hello),
            (protocol.FAULT, "POST", self._fault),
            (protocol.UP, "PUT", self._upload),
            (protocol.DOWN, "GET", self._download),
            (protocol.ACK, "POST", self._ack),
            (protocol.RELEASE, "GET", self._release),
        ):
            route = path.replace("{sequence}", "<sequence:int>").replace("{name}", "<name>")
            self.app.route(route, method, _answering(handler))

    def _claim(self) -> bytes:
        with self._proving("claim"):
            return protocol.dump(redeem(self._relay, _body(_MAX_CLAIM)))

    def _hello(self) -> HTTPResponse:
        name = header(request, protocol.DEVICE_HEADER)
        body = _body(MAX_SIGNED)
        if self._is_full():
            raise RefusedError(
                protocol.TRY_LATER,
                "The relay has many callers. Try again in some minutes.",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                minutes=_LATER_FROM + secrets.randbelow(_LATER_SPREAD),
            )
        if not name:
            return self._answer(hello(self._relay, name, body, _room(), address=caller(request)))
        with self._proving(name):
            answer = hello(self._relay, name, body, _room(), address=caller(request))
        return self._answer(answer)

    def _fault(self) -> bytes:
        name = header(request, protocol.DEVICE_HEADER)
        with self._proving(name):
            return fault.hear(self._relay, name, _body(MAX_SIGNED))

    @contextmanager
    def _proving(self, what: str) -> Iterator[None]:
        """Let a caller have GnuPG look at a signature: a few at once, and seldom in vain."""
        with self._throttle.trying(f"{caller(request)} {what}"):
            if not self._signatures.acquire(timeout=_SIGNATURE_WITHIN):
                raise RefusedError(protocol.TRY_LATER, "The relay has much to do.")
            try:
                yield
            finally:
                self._signatures.release()

    def _upload(self, sequence: int) -> HTTPResponse:
        device = self._device()
        offset = header(request, protocol.OFFSET_HEADER)
        length = content_length(request)
        if length is None or not re.fullmatch(r"[0-9]{1,15}", offset):
            raise RefusedError(
                protocol.MALFORMED,
                f"An upload needs Content-Length and {protocol.OFFSET_HEADER}.",
            )
        receive(self._relay, device, sequence, int(offset), length, arriving(request))
        return self._answer(session.receipt(self._relay, device.id, _room()))

    def _download(self, sequence: int) -> HTTPResponse:
        device = self._device()
        with self._relay.database.reading() as transaction:
            row = transaction.get(DownBundle, (device.id, sequence))
        if row is None:
            raise RefusedError(protocol.SEQUENCE_WRONG, f"There is no bundle {sequence} to fetch.")
        return blob_response(
            request,
            self._relay.bundles,
            row.sha256,
            row.sha256,
            lambda size: session.count_down(self._relay, device.id, size),
        )

    def _ack(self) -> HTTPResponse:
        device = self._device()
        said = protocol.load(protocol.Ack, _body())
        return self._answer(session.acknowledge(self._relay, device.id, said.applied_down, _room()))

    def _answer(self, answer: session.Answer) -> HTTPResponse:
        """Answer; where the request says what the device holds, the rest of the bundle follows."""
        if "held" not in request.query:
            return _cbor(answer.message, HTTPStatus.OK)
        if answer.down is None:
            return _cbor(protocol.frame(answer.message), HTTPStatus.OK)
        sequence, size = protocol.held(request.query["held"])
        return followed_by_blob(
            protocol.frame(answer.message),
            self._relay.bundles,
            answer.down.sha256.hex(),
            min(size, answer.down.size) if sequence == answer.down.sequence else 0,
            lambda size: session.count_down(self._relay, answer.device_id, size),
            _room(),
        )

    def _release(self, name: str) -> HTTPResponse:
        for entry in releases.files(self._relay.releases):
            if entry.name == name:
                return blob_response(request, self._relay.release_files, entry.name, entry.sha256)
        return HTTPResponse(status=HTTPStatus.NOT_FOUND)

    def _device(self) -> Device:
        with self._relay.database.reading() as transaction:
            return session.of_token(transaction, header(request, protocol.TOKEN_HEADER))


def _room() -> int | None:
    return protocol.room(request.query.get("room", ""))


def _body(most: int = protocol.MAX_BODY) -> bytes:
    length = content_length(request)
    if length is None or length > most:
        raise RefusedError(protocol.MALFORMED, f"A body of at most {most} bytes is taken.")
    return b"".join(arriving(request))


def _answering(handler: Callable[..., bytes | HTTPResponse]) -> Callable[..., HTTPResponse]:
    """Answer in CBOR, and turn what goes wrong into refusals."""

    def answer(**arguments: Any) -> HTTPResponse:  # noqa: ANN401 - the route's
        try:
            made = handler(**arguments)
        except RefusedError as error:
            log.info("refused %s %s: %s", request.path, error.refusal.reason, error)
            return _cbor(protocol.dump(error.refusal), error.status)
        except protocol.ProtocolError as error:
            log.info("refused %s malformed: %s", request.path, error)
            refusal = protocol.Refusal(protocol.MALFORMED, str(error))
            return _cbor(protocol.dump(refusal), HTTPStatus.BAD_REQUEST)
        except sa.exc.OperationalError as error:
            log.error("the database does not answer: %s", error.orig)
            return _later("The relay's database is busy.", HTTPStatus.SERVICE_UNAVAILABLE)
        except KeyringError as error:
            log.error("the keys cannot be used: %s", error)
            return _later("The relay's keys cannot be used.", HTTPStatus.SERVICE_UNAVAILABLE)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            log.error("the data folder is full: %s", error)
            return _later("The relay's disk is full.", HTTPStatus.INSUFFICIENT_STORAGE)
        return made if isinstance(made, HTTPResponse) else _cbor(made, HTTPStatus.OK)

    return answer


def _later(text: str, status: HTTPStatus) -> HTTPResponse:
    return _cbor(protocol.dump(protocol.Refusal(protocol.TRY_LATER, text)), status)


def _cbor(body: bytes, status: HTTPStatus) -> HTTPResponse:
    headers = {"Content-Type": protocol.CONTENT_TYPE, "Content-Length": str(len(body))}
    return HTTPResponse(body, status=int(status), headers=headers)
