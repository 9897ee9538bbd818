# SPDX-License-Identifier: Apache-2.0
"""The relay's moves, as devices learn of them: signed by the key that each knows the relay by.

A device is told where the relay is now, not each step: how often it has moved meanwhile is no
matter. Nothing is told to a device whose hello does not say that it knows of moves.
"""

from __future__ import annotations

import ssl

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store.tables import Device, Move
from mokanda_relay.sync.refusals import RefusedError
from mokanda_wire import protocol

# What was signed for one device is so for others that know the relay by the same key: of the last
# move alone, for those keys by which devices that have not confirmed it have called since.
_signed: dict[tuple[int, str, bytes], bytes] = {}


def newest(session: Session) -> Move | None:
    """The last move; None if there was none."""
    return session.scalar(sa.select(Move).order_by(Move.number.desc()).limit(1))


def reached(device: Device) -> int:
    """The number of the move by which the device knows the relay, as it last told."""
    return max(device.followed or 0, device.claim_move)


def key_known_to(relay: Relay, session: Session, device: Device) -> str:
    """The fingerprint of the relay's key that the device knows.

    Raises:
        RefusedError: that key is gone.
    """
    known = session.scalar(
        sa.select(Move).where(Move.number <= reached(device)).order_by(Move.number.desc()).limit(1)
    )
    if known is None:
        return relay.fingerprint
    if known.key_retired is not None:
        raise RefusedError(
            protocol.DEVICE_UNKNOWN,
            "This device knows the relay by a key that is gone. Ask its operator for a new claim"
            " file.",
        )
    return known.fingerprint


def is_ahead(session: Session, device: Device) -> bool:
    """Whether the device has followed a move that this relay, as far as it knows, never made."""
    last = newest(session)
    return reached(device) > (last.number if last else 0)


def announcement(relay: Relay, device: Device) -> bytes | None:
    """What the device is to learn of where the relay is, signed; None where it knows, or cannot."""
    if device.followed is None:
        return None
    with relay.database.reading() as session:
        move = newest(session)
        if move is None or max(reached(device), device.noted) >= move.number:
            return None
        signer = key_known_to(relay, session, device)
    is_new = move.fingerprint != signer
    message = protocol.dump(
        protocol.Move(
            move.number,
            move.relay,
            ssl.PEM_cert_to_DER_cert(move.certificate) if move.certificate else None,
            relay.keyring.export_key(move.fingerprint) if is_new else None,
        )
    )
    known = (move.number, signer, message)
    signed = _signed.get(known)
    if signed is None:
        signed = relay.keyring.sign(message, signer)
        for former in [each for each in _signed.copy() if each[0] != move.number]:
            _signed.pop(former, None)
        _signed[known] = signed
    return signed
