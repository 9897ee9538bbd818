# SPDX-License-Identifier: Apache-2.0
"""A device whose mail store does not open: it says so, and nothing else happens."""

from __future__ import annotations

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Device
from mokanda_relay.sync import moves, rollout
from mokanda_relay.sync.hello import signed
from mokanda_relay.sync.refusals import RefusedError
from mokanda_wire import protocol

_MAX_TEXT = 500  # characters


def hear(relay: Relay, name: str, body: bytes) -> bytes:
    """Tell the operator, once until a sync succeeds again; return the signed answer.

    Raises:
        RefusedError: it is not from the device.
        ProtocolError: it is no such message.
    """
    device, message = signed(relay, name, body)
    said = protocol.load(protocol.Fault, message)
    if said.device != name:
        raise RefusedError(protocol.MALFORMED, "The message is another device's.")
    told = f"{name} cannot use its mail store ({said.state}): {said.text}"[:_MAX_TEXT]
    with relay.database.transaction() as session:
        row = session.get_one(Device, device.id, with_for_update=True)
        row.last_contact = clock.now()
        row.version = said.version[:100]
        if row.error != told:
            row.error = told
            alerts.record(session, "fault", told, row.id)
        if said.move is not None:
            row.followed = said.move
        key = moves.key_known_to(relay, session, row)
        reply = protocol.FaultReply(clock.now(), rollout.offer(relay, session, row))
    return relay.keyring.sign(protocol.dump(reply), key)
