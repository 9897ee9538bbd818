# SPDX-License-Identifier: Apache-2.0
"""What the relay announces of where it moves to, before it has proved that it is there."""

import logging
import ssl
from base64 import b64encode

from mokanda_firmware.uplink import places
from mokanda_firmware.uplink.places import Place
from mokanda_wire import claimfile, protocol
from mokanda_wire.claimfile import ClaimFile
from mokanda_wire.envelope import Keyring
from mokanda_wire.protocol import Move, ProtocolError

MAX_ADDRESS = 300  # characters
_log = logging.getLogger(__name__)


def note(claim: ClaimFile, signed: bytes, signer: str, keyring: Keyring) -> None:
    """Note a move that the relay has announced; one that is known is passed over.

    Raises:
        EnvelopeError: it is not signed by the key of this fingerprint.
        ProtocolError: it is no move that this device could follow.
        OSError: it cannot be written.
    """
    move = protocol.load(Move, keyring.verify(signed, signer))
    known = places.read(claim)
    if move.number <= known.noted():
        return
    places.keep(known._replace(next=_place(move, signer, keyring)))
    _log.info("move %d of the relay, to %s, is noted", move.number, move.relay)


def _place(move: Move, signer: str, keyring: Keyring) -> Place:
    if len(move.relay) > MAX_ADDRESS or not claimfile.is_address(move.relay):
        raise ProtocolError("The relay's new address is none.")
    fingerprint = keyring.fingerprint_of(move.key) if move.key else signer
    try:
        if move.certificate:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=move.certificate)
    except ssl.SSLError as error:
        raise ProtocolError("The relay's new certificate is none.") from error
    return Place(
        move.relay,
        ssl.DER_cert_to_PEM_cert(move.certificate) if move.certificate else "",
        fingerprint,
        move.number,
        b64encode(move.key).decode() if move.key else "",
    )
