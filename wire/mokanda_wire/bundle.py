# SPDX-License-Identifier: Apache-2.0
"""Bundles: all that one end has for the other, in one container (docs/wire.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mokanda_wire.history import History
from mokanda_wire.message import Message

Direction = Literal["up", "down"]
EventKind = Literal["sent", "delivered", "bounced", "refused"]


class BundleError(ValueError):
    """A bundle is refused; the message is the reason, for the log."""


class HistoryUnknownError(BundleError):
    """A bundle is primed with a history that this end does not hold."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail and its SMTP envelope: full addresses, bcc among them and nowhere else."""

    recipients: tuple[str, ...]
    message: Message


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a mail for one of its recipients; `at` is aware, in whole seconds."""

    message_id: str
    recipient: str
    kind: EventKind
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Residents:
    """Up: the local parts of every account of the device."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Up: how the device is (version, signal, errors, storage ...); plain CBOR values."""

    fields: dict[str, Any]


Item = Mail | Event | Residents | Report


@dataclass(frozen=True, slots=True)
class Bundle:
    """What travels: `sequence` counts from 1 in each direction; `contents` are by digest.

    An attachment whose content is not in `contents` is one that the other end holds.
    """

    device: str
    direction: Direction
    sequence: int
    created: datetime
    items: tuple[Item, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader takes; checked before memory is spent. Sizes in bytes."""

    text: int = 16 * 1024 * 1024
    content: int = 48 * 1024 * 1024
    contents: int = 64 * 1024 * 1024
    items: int = 20_000


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoded bundle, not yet sealed, and its history record.

    `record` is what History.append takes once the other end has applied the bundle: the
    sender keeps it beside the frozen bundle until then.
    """

    data: bytes
    record: bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """A bundle that was read, and its history record, to be appended when it is applied."""

    bundle: Bundle
    record: bytes


def encode(bundle: Bundle, history: History) -> Encoded:
    """Write a bundle, its text primed with the end of `history`.

    Raises:
        BundleError: the bundle holds what no bundle can.
    """
    raise NotImplementedError


def decode(data: bytes, history: History, limits: Limits = Limits()) -> Decoded:  # noqa: B008
    """Read a bundle.

    Raises:
        HistoryUnknownError: it is primed with what `history` does not hold.
        BundleError: it is damaged, or beyond the limits.
    """
    raise NotImplementedError
