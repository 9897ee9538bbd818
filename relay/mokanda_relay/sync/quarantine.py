# SPDX-License-Identifier: Apache-2.0
"""Finding the mail for which a device cannot read a bundle, so that the others arrive.

The bundle is made again, its text not primed with the history. If that cannot be read either, the
next one has half the mails, and so on down to one, which goes with nothing else; at last it goes
uncompressed. If it still cannot be read, it is set aside. After each bundle that was read the next
may have twice as many.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import alerts
from mokanda_relay.store.tables import Device, Incoming, Notice, Wish
from mokanda_relay.sync.down import frozen

_ENOUGH = 64  # mails in a bundle that was read, after which nothing is suspected any more
_NEVER = 0  # the number of no bundle: for what goes in none

log = logging.getLogger(__name__)


def note(session: Session, device: Device, sequence: int) -> list[str]:
    """The device, whose row is locked, has a bundle of this number whole and cannot read it.

    Returns:
        Names of files that nobody needs after this transaction.
    """
    pending = frozen.pending(session, device.id)
    if pending is None or pending.sequence != sequence:
        return []  # it has said so before
    mails = list(
        session.scalars(
            sa.select(Incoming.digest)
            .where(Incoming.device_id == device.id, Incoming.sequence == sequence)
            .distinct()
        )
    )
    log.warning("device=%s cannot read down=%d mails=%d", device.name, sequence, len(mails))
    if device.down_caution == 0:
        device.down_caution = 1
    elif len(mails) > 1:
        device.down_most = len(mails) // 2
    elif mails and device.down_most != 1:
        device.down_most = 1
    elif device.down_caution == 1:
        device.down_caution = 2
    else:
        _set_aside(session, device, sequence)
        device.down_caution = 1
    return frozen.thaw(session, device)


def taken(device: Device) -> None:
    """The device has read a bundle."""
    device.down_most = 2 * device.down_most if device.down_most < _ENOUGH else 0
    if not device.down_most:
        device.down_caution = 0


def _set_aside(session: Session, device: Device, sequence: int) -> None:
    """Give up what is in a bundle: one mail, or else what is no mail."""
    readers = list(
        session.scalars(
            sa.select(Incoming).where(
                Incoming.device_id == device.id, Incoming.sequence == sequence
            )
        )
    )
    what = "news of mail that was sent, and answers to wishes"
    if readers:
        names = ", ".join(entry.recipient for entry in readers)
        what = f"the mail {readers[0].digest[:12]} for {names}"
    told = f"{device.name} cannot read {what}: set aside"
    alerts.record(session, "unread", told, device.id)
    device.error = told
    for table in (Incoming, Notice):
        session.execute(
            sa.update(table)
            .where(table.device_id == device.id, table.sequence == sequence)
            .values(sequence=_NEVER, delivered=alerts.now())
        )
    session.execute(sa.delete(Wish).where(Wish.device_id == device.id, Wish.sequence == sequence))
