# SPDX-License-Identifier: Apache-2.0
"""The cards of a device: a copied one has the same key, the same mail and the same numbers.

In each session the relay gives the card a random value, which that brings back in the next one. A
card that brings another value was restored from an image, or is a copy: it is served, and what the
one before it holds is kept. Should that come back, both live, and only one can be served: mail is
traded with one store of it. It is the one that was served last, until the operator chooses.

A restored backup does not look like that: the value is no part of one, and stays on its card. Nor
does an answer that got lost: what was given before is good, too, and what was in that answer is
kept as another card's, should it not have got lost but gone to one.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.printable import one_line
from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Card, Device
from mokanda_wire import protocol

LIVING = dt.timedelta(days=30)  # after its last call a copy that calls no more is not told of
MAX_CARDS = 16  # of a device that are known again; most of them are answers that got lost
_MAX_ADDRESS = 60  # characters; of a network's there are 45 at most


@dataclass(frozen=True, slots=True)
class Served:
    """What the card that is served is given, and when another was last refused."""

    given: bytes | None = None
    other: dt.datetime | None = None


def greet(
    session: Session, device: Device, said: protocol.Hello, address: str = ""
) -> Served | None:
    """Note which card of the device, whose row is locked, says hello; None if it is not served.

    `address` is that from which it calls.

    Software that is older than this knows nothing of it, and is served.
    """
    cards = of_device(session, device)
    if said.card is None:
        return Served()
    caller = next((each for each in cards if _is(each, said.card)), None)
    if caller is not None and not caller.served:
        _refuse(session, device, caller)
        _note(caller, said, address)
        return None
    if caller is None:
        caller = _add(session, device, said, given_before=said.card[: protocol.CARD])
        for each in cards:
            each.served = False
    elif said.card != caller.given:
        _add(session, device, said, given=caller.given)
    caller.served = True
    if said.card == caller.given:
        caller.given_before = caller.given
    caller.given = secrets.token_bytes(protocol.CARD)
    _note(caller, said, address)
    session.flush()
    _forget_oldest(session, device)
    others = [each.called for each in cards if _is_living(each)]
    return Served(caller.given, max(others, default=None))


def of_device(session: Session, device: Device) -> list[Card]:
    """The cards that have called as this device, the one that is served first."""
    return list(
        session.scalars(
            sa.select(Card)
            .where(Card.device_id == device.id)
            .order_by(Card.served.desc(), Card.id.desc())
        )
    )


def living(session: Session, device: Device) -> list[Card]:
    """The card that is served and those that were refused, if there are any; else none."""
    cards = [each for each in of_device(session, device) if each.served or _is_living(each)]
    return cards if len(cards) > 1 else []


def choose(session: Session, device: Device, card: int) -> bool:
    """Serve this card of the device, whose row is locked, and no other; False if there is none."""
    chosen = session.get(Card, card)
    if chosen is None or chosen.device_id != device.id:
        return False
    for each in of_device(session, device):
        each.served = each is chosen
        each.refused = None
    device.token_hash = device.secret = None  # a session of the other one's is over
    return True


def count_villagers(session: Session, device: Device, count: int) -> None:
    """Note of how many villagers the card that is served has told."""
    session.execute(
        sa.update(Card)
        .where(Card.device_id == device.id, Card.served.is_(True))
        .values(villagers=count)
    )


def _is(card: Card, value: bytes) -> bool:
    return value != b"" and value in (card.given, card.given_before)


def _is_living(card: Card) -> bool:
    """Whether a card that is not served has called lately."""
    return card.refused is not None and clock.now() - card.refused < LIVING


def _note(card: Card, said: protocol.Hello, address: str) -> None:
    """Note what a card says of itself as it calls."""
    card.called, card.version = clock.now(), said.version[:100]
    card.address = one_line(address, _MAX_ADDRESS)
    card.applied_down = said.applied_down
    card.announced_up = None if said.up is None else said.up.sequence


def _refuse(session: Session, device: Device, card: Card) -> None:
    if not _is_living(card):
        alerts.record(
            session,
            "cards",
            f"two cards call as {device.name}, one is a copy of the other: the one that was served"
            " last goes on being served. Choose which one it is to be, and have the other put away",
            device.id,
        )
    card.refused = clock.now()


def _add(
    session: Session,
    device: Device,
    said: protocol.Hello,
    *,
    given: bytes = b"",
    given_before: bytes = b"",
) -> Card:
    now = clock.now()
    card = Card(
        device_id=device.id,
        given=given,
        given_before=given_before,
        served=False,
        since=now,
        called=now,
        version=said.version[:100],
    )
    session.add(card)
    return card


def _forget_oldest(session: Session, device: Device) -> None:
    """Keep the card that is served, those that are known to live, and of the others the newest."""
    cards = sorted(
        of_device(session, device), key=lambda card: (card.served, _is_living(card), card.id)
    )
    for card in cards[: max(len(cards) - MAX_CARDS, 0)]:
        session.delete(card)
