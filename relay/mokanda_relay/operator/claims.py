# SPDX-License-Identifier: Apache-2.0
"""Claims: a one-time code trades a new device's key for the relay's."""

from __future__ import annotations

import collections
import hashlib
import logging
import secrets
import threading
import time

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Device, RetiredKey
from mokanda_relay.sync.refusals import RefusedError
from mokanda_wire import protocol
from mokanda_wire.envelope import EnvelopeError, verify_with

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0 or O, no 1, I or L, no U
_GROUPS, _LETTERS = 3, 4  # 58.9 bits
_COST_LOG2 = 14  # of scrypt: 16 MiB and some 50 ms for each guess

MAX_TRIES = 10  # wrong codes from one address
TRIES_WITHIN = 600.0  # seconds
_MAX_ADDRESSES = 10_000

log = logging.getLogger(__name__)


def new_code() -> str:
    """Make a claim code, XXXX-XXXX-XXXX."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def hash_code(code: str) -> str:
    """Hash a claim code; slowly, so that a stolen database gives no codes away."""
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    salt = b"mokanda claim"  # the same for all: the code is looked up by its hash
    return hashlib.scrypt(letters.encode(), salt=salt, n=2**_COST_LOG2, r=8, p=1, dklen=32).hex()


class Throttle:
    """Counts the wrong codes of each network address."""

    def __init__(self) -> None:
        self._wrong: dict[str, collections.deque[float]] = {}
        self._lock = threading.Lock()

    def is_open(self, address: str) -> bool:
        """Whether this address may try a code now."""
        with self._lock:
            wrong = self._wrong.get(address)
            while wrong and wrong[0] < time.monotonic() - TRIES_WITHIN:
                wrong.popleft()
            return not wrong or len(wrong) < MAX_TRIES

    def count_wrong(self, address: str) -> None:
        """Count a wrong code."""
        with self._lock:
            if len(self._wrong) >= _MAX_ADDRESSES:
                self._wrong.pop(next(iter(self._wrong)))
            self._wrong.setdefault(address, collections.deque(maxlen=MAX_TRIES)).append(
                time.monotonic()
            )


def redeem(relay: Relay, throttle: Throttle, address: str, body: bytes) -> protocol.ClaimReply:
    """Redeem a claim code for the key that signs the request; again for the same key.

    Raises:
        RefusedError: the code is unknown or used, or there were too many wrong ones.
        ProtocolError: the body is not a claim.
    """
    if not throttle.is_open(address):
        raise RefusedError(
            protocol.TRY_LATER, "There were too many wrong claim codes. Try again in some minutes."
        )
    claim = protocol.load(protocol.Claim, body)
    try:
        fingerprint, signed = verify_with(claim.public_key, claim.request)
    except EnvelopeError as error:
        throttle.count_wrong(address)
        raise RefusedError(
            protocol.MALFORMED, f"The claim's signature is wrong. {error}"
        ) from error
    request = protocol.load(protocol.ClaimRequest, signed)
    code_hash = hash_code(request.code)
    with relay.database.transaction() as session:
        device = session.scalar(
            sa.select(Device).where(Device.claim_hash == code_hash).with_for_update()
        )
        if device is None or device.name != request.name:
            throttle.count_wrong(address)
            raise RefusedError(
                protocol.CLAIM_UNKNOWN,
                "The relay does not know this claim code. Ask its operator for a new claim file.",
            )
        grant = protocol.ClaimGrant(device.name, device.domain, fingerprint, clock.now())
        whose = _whose(session, fingerprint, device)
        used = bool(whose) or device.fingerprint not in (None, fingerprint)
        if device.fingerprint is None and not used:
            relay.keyring.import_key(claim.public_key)
            device.fingerprint, device.claimed = fingerprint, clock.now()
            device.version = request.version[:100]
            log.info("claimed device=%s key=%s", device.name, fingerprint)
    if used:
        how = f"its key is {whose}" if whose else "by another key than the first time"
        alerts.report(relay.database, "claim", f"a claim code was used again, {how}", device.id)
        raise RefusedError(
            protocol.CLAIM_USED,
            "This claim code was used by another device, or this device is claimed already."
            " Ask the relay's operator for a new claim file.",
        )
    return protocol.ClaimReply(
        relay.keyring.export_key(relay.fingerprint),
        relay.keyring.sign(protocol.dump(grant), relay.fingerprint),
    )


def _whose(session: Session, fingerprint: str, device: Device) -> str:
    """Whose a key is, if it is not to be this device's: another one's, or a locked out card's."""
    twin = session.scalar(
        sa.select(Device.name).where(Device.fingerprint == fingerprint, Device.id != device.id)
    )
    if twin is not None:
        return f"that of {twin}"
    retired = session.get(RetiredKey, fingerprint)
    return f"of a card of {retired.device} that was locked out" if retired else ""
