# SPDX-License-Identifier: Apache-2.0
"""What a device and its relay say to each other over HTTP.

Every message is CBOR: an array of a dataclass' fields in their order. `dump` writes one and
`load` reads one. A new field is optional and the last one: a reader that does not know it
skips it, a writer that does not know it leaves it out. docs/wire.md tells the order of the
requests.

A request whose answer may be followed by a bundle says in its query how much of which one
the device holds, `?held=SEQUENCE-BYTES` (`?held` for nothing). The answer is then framed: two
bytes of length, the message, and the rest of the bundle that it names. The query may also say
for how many bytes of bundles the device has `room` today, `&room=BYTES`.
"""

import hmac
import math
import re
import types
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import cbor2

from mokanda_wire.message import LATEST

T = TypeVar("T")

CONTENT_TYPE = "application/cbor"
MAX_BODY = 64 * 1024 - 1  # bytes of any message
TAG = 16  # bytes, behind an authenticated message
CARD = 8  # bytes by which a relay knows a card again
HELLO_LABEL, REPLY_LABEL = b"hello", b"reply"
MAX_BUNDLE = 64 * 1024 * 1024  # bytes of a sealed bundle

# Bytes of a bundle in one TLS record: at first, after a cut, and at most.
_PIECE, _PIECE_AFTER_A_CUT, _LARGEST_PIECE = 640, 384, 4096

CLAIM = "/v1/claim"
HELLO = "/v1/hello"
UP = "/v1/up/{sequence}"
DOWN = "/v1/down/{sequence}"
ACK = "/v1/ack"
RELEASE = "/v1/release/{name}"
FAULT = "/v1/fault"

DEVICE_HEADER = "Mokanda-Device"  # which device signed a hello or fault; missing where it has a tag
TOKEN_HEADER = "Token"  # noqa: S105 - the header's name; the value is HelloReply.token
OFFSET_HEADER = "Offset"  # where in the sealed bundle the body of a PUT starts

# Reasons of a Refusal, with the HTTP status that they travel with.
CLAIM_UNKNOWN = "claim-unknown"  # 404: no such code
CLAIM_USED = "claim-used"  # 409: the code was used by another key
DEVICE_UNKNOWN = "device-unknown"  # 403: no such device, or its signature is wrong
COUNTER_STALE = "counter-stale"  # 409: a hello must count on from the last one; see Refusal.counter
TOKEN_WRONG = "token-wrong"  # noqa: S105 - 403: not of this device's latest hello
OFFSET_WRONG = "offset-wrong"  # 409: the relay holds another number of bytes; see Refusal.offset
SEQUENCE_WRONG = "sequence-wrong"  # 409: not the bundle that the hello announced
BUNDLE_BAD = "bundle-bad"  # 422: its seal, form or contents are refused for good
HISTORY_UNKNOWN = "history-unknown"  # 422: primed with a history that the relay does not hold
CONTENT_UNKNOWN = "content-unknown"  # 422: names a file that the relay does not hold
CARD_COPIED = "card-copied"  # 409: another card of this device's identity is served
TOO_OLD = "too-old"  # 426: the relay writes no bundles any more that the device could read
MALFORMED = "malformed"  # 400: not what this path takes
TRY_LATER = "try-later"  # 429, 503 or 507: nothing is wrong with the request itself


class ProtocolError(ValueError):
    """A body is not what this path takes."""


class Sealed(NamedTuple):
    """A frozen bundle: its number, the size of its sealed form in bytes, and its SHA-256."""

    sequence: int
    size: int
    sha256: bytes


class HistoryTip(NamedTuple):
    """How far an end's history log goes (see mokanda_wire.history)."""

    end: int
    digest: bytes


class Delta(NamedTuple):
    """What rebuilds an update from the system that has the SHA-256 `base` (mokanda_wire.delta).

    Bytes and SHA-256 of the file at RELEASE.
    """

    base: bytes
    size: int
    sha256: bytes
    path: str


class Release(NamedTuple):
    """An update that the relay offers: bytes and SHA-256 of the file at RELEASE.

    `delta` rebuilds it from what the relay takes the device to run.
    """

    version: str
    size: int
    sha256: bytes
    path: str
    delta: Delta | None = None


class Claim(NamedTuple):
    """The body of a claim: a new device's public key, and a ClaimRequest signed by it."""

    public_key: bytes
    request: bytes


class ClaimRequest(NamedTuple):
    """What a new device asks for: the code and the name that its claim file gives it."""

    code: str
    name: str
    version: str


class ClaimReply(NamedTuple):
    """The relay's public key, and a ClaimGrant signed by it."""

    relay_key: bytes
    grant: bytes


class ClaimGrant(NamedTuple):
    """The device's name and mail domain, for the key with this fingerprint."""

    device: str
    domain: str
    device_key: str
    time: datetime


class Hello(NamedTuple):
    """How a session starts; signed by the device. `counter` grows with every hello.

    `now` is the device's own clock, `applied_down` the last down bundle that it applied
    (which acknowledges it and all before it), `up` what it wants to upload, `format` the newest
    one of bundles that it knows; it is left out where that is 1. `unread` is the number of a
    down bundle that came whole and that it could not read. `card` is what the relay has given this
    card last, empty if nothing yet. `move` is the number of the relay's move by which it has come
    to where it says this, 0 where it knows the relay by its claim; `noted` that of a later one
    which it has heard of and not followed yet.
    """

    device: str
    counter: int
    now: datetime
    version: str
    applied_down: int
    up: Sealed | None
    history: HistoryTip
    format: int | None = None
    unread: int | None = None
    card: bytes | None = None
    move: int | None = None
    noted: int | None = None


class HelloReply(NamedTuple):
    """The relay's side; signed by the relay. `counter` repeats the hello's.

    `applied_up` is the last up bundle that the relay applied and `applied_sha256` its
    SHA-256, `up_offset` how many bytes of the announced one it holds, `down` the bundle to
    fetch, `token` proves this session in the requests that follow. `history_agrees` is False
    when both ends must forget their histories and start over: the relay has done so. Where
    there is `more` to fetch after `down`, the device acknowledges `down` in this session.
    `secret` answers a hello that was signed: hellos to come may be authenticated with it.
    `format` is the newest one of bundles that the relay knows; it is left out where that is 1.
    `card` is what the next hello repeats, and `other_card` when a copy of this card has called.
    `move` is a Move, signed by the key that the device knows the relay by.
    """

    counter: int
    time: datetime
    applied_up: int
    up_offset: int
    down: Sealed | None
    token: str
    history_agrees: bool
    release: Release | None = None
    applied_sha256: bytes | None = None
    more: bool | None = None
    secret: bytes | None = None
    format: int | None = None
    card: bytes | None = None
    other_card: datetime | None = None
    move: bytes | None = None


class Move(NamedTuple):
    """Where the relay is to be found from now on, and what proves it.

    `number` grows with each move of a relay. `certificate` is in DER; None where authorities vouch
    for the one at this address. `key` is the relay's new public key (binary OpenPGP); None where it
    keeps the one that has signed this.
    """

    number: int
    relay: str
    certificate: bytes | None
    key: bytes | None = None


class Ack(NamedTuple):
    """The device has applied this down bundle, and all before it."""

    applied_down: int


class Receipt(NamedTuple):
    """The last up bundle that the relay applied, and the next down bundle if there is one.

    As in HelloReply, there may be `more` after that.
    """

    applied: int
    down: Sealed | None
    more: bool | None = None


class Fault(NamedTuple):
    """A device that cannot say hello, as its mail store does not open; signed by it.

    `state` says in a word what is wrong, `text` in a sentence for the operator. It says nothing of
    what the device holds, so that nothing is acknowledged or sent again. `move` is that of a Hello.
    """

    device: str
    now: datetime
    version: str
    state: str
    text: str
    move: int | None = None


class FaultReply(NamedTuple):
    """The relay has told its operator; signed by it. An update may mend the device."""

    time: datetime
    release: Release | None = None


class Refusal(NamedTuple):
    """Why a request was refused: a word of the list above, and a sentence for people."""

    reason: str
    text: str
    offset: int | None = None  # OFFSET_WRONG: how many bytes the relay holds
    counter: int | None = None  # COUNTER_STALE: the last counter that the relay saw
    minutes: int | None = None  # TRY_LATER: not before so many


def dump(message: Any) -> bytes:  # noqa: ANN401 - any dataclass of this module
    """Write a dataclass of this module as CBOR; times as seconds since 1970."""
    return cbor2.dumps(_plain(message))


def load(kind: type[T], data: bytes) -> T:
    """Read a dataclass of this module.

    Raises:
        ProtocolError: the data is too long, is not CBOR, or a field is missing or of a
            wrong type.
    """
    if len(data) > MAX_BODY:
        raise ProtocolError(f"A message of {len(data)} bytes; at most {MAX_BODY} are taken.")
    stream = BytesIO(data)
    try:
        value = cbor2.CBORDecoder(stream).decode()
    except Exception as error:
        raise ProtocolError("The message is not CBOR.") from error
    if stream.tell() != len(data):
        raise ProtocolError("There is more than one CBOR item in the message.")
    return _read(kind.__name__, kind, value)


def frame(message: bytes) -> bytes:
    """Put its length before a message that a bundle may follow."""
    return len(message).to_bytes(2, "big") + message


def held(text: str) -> tuple[int, int]:
    """Read the query `held`: which down bundle the device holds in part, and how many bytes.

    What cannot be read is of no bundle: it is then sent from its beginning.
    """
    found = re.fullmatch(r"([0-9]{1,12})-([0-9]{1,12})", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def piece(moved: int, before: int = 0, *, after_a_cut: bool) -> int:
    """How many bytes of a bundle to send next, in one TLS record.

    A record adds 22 bytes, and a cut loses the one that it hits. Where a cut comes every n bytes,
    pieces of the root of 44 n lose least on average, of 22 n at the worst. The further a connection
    has come, the further it is likely to come.

    Args:
        moved: bytes that this connection has carried.
        before: bytes that the last one brought to the other end, where that is known.
        after_a_cut: whether there was one.
    """
    least = _PIECE_AFTER_A_CUT if after_a_cut else _PIECE
    return min(max(math.isqrt(36 * max(moved, before)), least), _LARGEST_PIECE)


def room(text: str) -> int | None:
    """Read the query `room`: how many bytes of bundles the device takes today; None: any."""
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


def authenticate(message: bytes, secret: bytes, label: bytes) -> bytes:
    """Put a tag behind a message that proves that its writer knows the secret."""
    return message + hmac.digest(secret, label + message, "sha256")[:TAG]


def authentic(data: bytes, secret: bytes, label: bytes) -> bytes:
    """Return the message that `authenticate` tagged.

    Raises:
        ProtocolError: it is not by somebody who knows the secret, or not of this label.
    """
    message = data[:-TAG]
    if not hmac.compare_digest(authenticate(message, secret, label), data):
        raise ProtocolError("The message does not prove where it is from.")
    return message


def _plain(value: Any) -> Any:  # noqa: ANN401
    if _is_record(type(value)):
        fields = [_plain(each) for each in value]
        while fields and fields[-1] is None:
            fields.pop()
        return fields
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value


def _is_record(kind: Any) -> bool:  # noqa: ANN401 - a type, or a type hint
    return hasattr(kind, "_fields")


def _read(name: str, kind: type[T], value: object) -> T:
    """Make a record of a decoded array."""
    if not isinstance(value, list):
        raise ProtocolError(f"{name} is not an array.")
    fields: dict[str, object] = {}
    for index, (field, hint) in enumerate(get_type_hints(kind).items()):
        given = value[index] if index < len(value) else None
        if given is None and type(None) not in get_args(hint):
            raise ProtocolError(f"{name}.{field} is missing.")
        fields[field] = _checked(f"{name}.{field}", hint, given)
    return kind(**fields)


def _checked(name: str, hint: Any, value: object) -> object:  # noqa: ANN401 - a type hint
    if get_origin(hint) in (Union, types.UnionType):
        if value is None:
            return None
        hint = next(each for each in get_args(hint) if each is not type(None))
    if _is_record(hint):
        return _read(name, cast(type, hint), value)
    if hint is datetime and type(value) is int:
        if not 0 <= value <= LATEST.timestamp():
            raise ProtocolError(f"{name} is out of range.")
        return datetime.fromtimestamp(value, UTC)
    if type(value) is not hint:  # exactly: True is no int here
        raise ProtocolError(f"{name} is not of type {hint.__name__}.")
    if hint is int and not 0 <= value < 2**63:  # type: ignore[operator]
        raise ProtocolError(f"{name} is out of range.")
    return value
