# SPDX-License-Identifier: Apache-2.0
"""Webhooks: what providers post to this relay, each taken in by who knows the provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Post:
    """A post to a webhook.

    Attributes:
        header: a header's value by its name, "" where it is missing.
        length: of the body, in bytes; None if it comes in chunks and nobody knows.
        body: to be read once; shorter, if the connection breaks. Reading it raises TooLargeError
            where it has more than the webhook's `max_bytes`.
    """

    header: Callable[[str], str]
    length: int | None
    body: BinaryIO


class BadPostError(Exception):
    """The post is not what the provider sends; the text says why, in one of a few ways."""


class TooLargeError(Exception):
    """The body has more bytes than are taken."""


class NotSetUpError(Exception):
    """The post is to come again, when the operator has done what the text says."""


class Webhook(Protocol):
    """One path to which a provider posts: /`name`, or /`name`/`secret`.

    Attributes:
        title: what the provider's pages call it, and what has to be set there.
        name: first part of the path.
        secret: last part of the path, which only the provider is told; "" for none.
        max_bytes: of a post's body.
        missing_setting: without which nothing is taken; "" when it is.
    """

    title: str
    name: str
    secret: str
    max_bytes: int
    missing_setting: str

    def receive(self, post: Post) -> None:
        """Take in a post; what it brings is durable when this returns.

        Raises:
            BadPostError: it is not what the provider sends.
            TooLargeError: of the body.
            NotSetUpError: the operator has to do something first.
            OSError: it cannot be stored now; the provider should try again.
            sqlalchemy.exc.OperationalError: likewise.
        """


def path(webhook: Webhook) -> str:
    """The path of a webhook on the operator's listener."""
    return "/".join(("", webhook.name, webhook.secret)).rstrip("/")
