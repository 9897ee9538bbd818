# SPDX-License-Identifier: Apache-2.0
"""The claim: a new device trades its code for a name, once, and keys with its relay.

The claim file names the relay's key by its fingerprint, so that nobody between the two can
put in another. A lost reply does no harm: the same code and key are granted again. Each code has a
key of its own: one that a thief has, and a backup brings back, is not used for another claim.
"""

import hashlib
import logging

from mokanda_firmware import running
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.courier import clock
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import ClaimError, CutError, NotOurRelayError, RefusedError
from mokanda_firmware.uplink.identity import Answer, Identity, Outcome, read_outcome, write_outcome
from mokanda_firmware.uplink.places import Place
from mokanda_wire import protocol
from mokanda_wire.claimfile import ClaimFile
from mokanda_wire.envelope import EnvelopeError, Keyring

_FOR_GOOD = {protocol.CLAIM_UNKNOWN, protocol.CLAIM_USED}

log = logging.getLogger(__name__)


def redeem(claim: ClaimFile, keyring: Keyring, connection: Connection) -> Identity:
    """Claim the device at its relay.

    Raises:
        ClaimError: the relay refuses the code; noted, so that it is not tried again.
        CourierError: it did not work this time.
    """
    fingerprint = keyring.own_key(_key_name(claim))
    request = protocol.ClaimRequest(claim.code, claim.device, running.version())
    body = protocol.Claim(
        keyring.export_key(fingerprint), keyring.sign(protocol.dump(request), fingerprint)
    )
    try:
        answer = connection.claim(protocol.dump(body))
    except RefusedError as error:
        if error.reason in _FOR_GOOD:
            outcome = Outcome(
                Answer.REFUSED, claim.code, claim.device, claim.domain, fingerprint, error.reason
            )
            write_outcome(outcome)
            raise ClaimError(error.sentence) from error
        raise
    grant = _granted(answer, claim, keyring, fingerprint)
    clock.correct(grant.time)
    outcome = Outcome(Answer.CLAIMED, claim.code, grant.device, grant.domain, fingerprint)
    write_outcome(outcome)
    log.info("claimed as %s by %s", grant.device, claim.relay)
    return Identity(claim, outcome, Place.of_claim(claim))


def _key_name(claim: ClaimFile) -> str:
    return f"{claim.device} {hashlib.sha256(claim.code.encode()).hexdigest()[:8]}"


def _granted(
    answer: bytes, claim: ClaimFile, keyring: Keyring, fingerprint: str
) -> protocol.ClaimGrant:
    try:
        reply = protocol.load(protocol.ClaimReply, answer)
        if keyring.fingerprint_of(reply.relay_key) != claim.relay_fingerprint:
            raise NotOurRelayError(
                Sentence(
                    "The relay's key is not the one that the claim file names. Ask its operator for"
                    " a new claim file."
                )
            )
        keyring.import_key(reply.relay_key)
        grant = protocol.load(
            protocol.ClaimGrant, keyring.verify(reply.grant, claim.relay_fingerprint)
        )
    except (protocol.ProtocolError, EnvelopeError) as error:
        log.error("the relay's answer to the claim cannot be read: %s", error)
        raise CutError(
            Sentence(
                "The relay's answer to the claim cannot be read. The device tries again by itself;"
                " if it stays so, ask the relay's operator."
            )
        ) from error
    if grant.device_key != fingerprint:
        raise CutError(Sentence("The relay answered another device's claim."))
    return grant


def is_refused(claim: ClaimFile) -> Outcome | None:
    """How this claim was refused, if it was: only another claim file helps then."""
    outcome = read_outcome()
    return (
        outcome
        if outcome and outcome.code == claim.code and outcome.state is Answer.REFUSED
        else None
    )
