# SPDX-License-Identifier: Apache-2.0
"""Claims: a one-time code trades a new device's key for the relay's."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.operator.tries import Tries
from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Device, RetiredKey
from mokanda_relay.sync import moves
from mokanda_relay.sync.refusals import RefusedError
from mokanda_wire import protocol
from mokanda_wire.envelope import EnvelopeError, verify_with

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0 or O, no 1, I or L, no U
_GROUPS, _LETTERS = 3, 4  # 58.9 bits
_COST_LOG2 = 14  # of scrypt: 16 MiB and some 50 ms for each guess

MAX_TRIES = 10  # in vain, by one caller
TRIES_WITHIN = 600.0  # seconds
_IN_VAIN = frozenset((protocol.CLAIM_UNKNOWN, protocol.DEVICE_UNKNOWN, protocol.MALFORMED))

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
    """Counts what each caller has tried to prove in vain; a try counts from when it begins."""

    def __init__(self) -> None:
        self._tries = Tries(MAX_TRIES, TRIES_WITHIN)

    @contextmanager
    def trying(self, caller: str) -> Iterator[None]:
        """Let a caller try within the block, which is in vain when it proves nothing.

        Raises:
            RefusedError: there were too many in vain.
        """
        begun = self._tries.begin(caller)
        if begun is None:
            raise RefusedError(
                protocol.TRY_LATER, "There were too many tries. Try again in some minutes."
            )
        try:
            yield
        except protocol.ProtocolError:
            raise
        except RefusedError as error:
            if error.refusal.reason not in _IN_VAIN:
                self._tries.forgive(caller, begun)
            raise
        except BaseException:
            self._tries.forgive(caller, begun)
            raise
        self._tries.forgive(caller, begun)


def redeem(relay: Relay, body: bytes) -> protocol.ClaimReply:
    """Redeem a claim code for the key that signs the request; again for the same key.

    Raises:
        RefusedError: the code is unknown or used.
        ProtocolError: the body is not a claim.
    """
    claim = protocol.load(protocol.Claim, body)
    try:
        fingerprint, signed = verify_with(claim.public_key, claim.request)
    except EnvelopeError as error:
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
            raise RefusedError(
                protocol.CLAIM_UNKNOWN,
                "The relay does not know this claim code. Ask its operator for a new claim file.",
            )
        grant = protocol.ClaimGrant(device.name, device.domain, fingerprint, clock.now())
        key = moves.key_known_to(relay, session, device)
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
        relay.keyring.export_key(key), relay.keyring.sign(protocol.dump(grant), key)
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
