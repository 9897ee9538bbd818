# SPDX-License-Identifier: Apache-2.0
"""Refusing a device's request: an HTTP status, a word for the program and a sentence for people."""

from __future__ import annotations

from http import HTTPStatus

from mokanda_wire import protocol

_STATUS = {
    protocol.CLAIM_UNKNOWN: HTTPStatus.NOT_FOUND,
    protocol.CLAIM_USED: HTTPStatus.CONFLICT,
    protocol.DEVICE_UNKNOWN: HTTPStatus.FORBIDDEN,
    protocol.COUNTER_STALE: HTTPStatus.CONFLICT,
    protocol.TOKEN_WRONG: HTTPStatus.FORBIDDEN,
    protocol.OFFSET_WRONG: HTTPStatus.CONFLICT,
    protocol.SEQUENCE_WRONG: HTTPStatus.CONFLICT,
    protocol.BUNDLE_BAD: HTTPStatus.UNPROCESSABLE_ENTITY,
    protocol.HISTORY_UNKNOWN: HTTPStatus.UNPROCESSABLE_ENTITY,
    protocol.CONTENT_UNKNOWN: HTTPStatus.UNPROCESSABLE_ENTITY,
    protocol.CARD_COPIED: HTTPStatus.CONFLICT,
    protocol.TOO_OLD: HTTPStatus.UPGRADE_REQUIRED,
    protocol.MALFORMED: HTTPStatus.BAD_REQUEST,
    protocol.TRY_LATER: HTTPStatus.TOO_MANY_REQUESTS,
}


class RefusedError(Exception):
    """A request is refused."""

    def __init__(
        self,
        reason: str,
        text: str,
        *,
        status: HTTPStatus | None = None,
        offset: int | None = None,
        counter: int | None = None,
        minutes: int | None = None,
    ) -> None:
        """`reason` is a word of the protocol's; its status, unless another is given."""
        super().__init__(text)
        self.status = status or _STATUS[reason]
        self.refusal = protocol.Refusal(reason, text, offset, counter, minutes)
