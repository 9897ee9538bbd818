# SPDX-License-Identifier: Apache-2.0
"""What is ordered from the network, once: an order costs money.

Each has a number of the lot, which its form on the page carries. It is noted before it is sent, and
what is noted is never sent again: a form that comes twice gets the same answer.
"""

import contextlib
import hashlib
import json
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from mokanda_firmware import paths, relaytime
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.backend import Answer, SendError, UssdError
from mokanda_firmware.modem.balance import MAX_TEXT
from mokanda_firmware.modem.keeping import refusal_if_not_kept
from mokanda_firmware.modem.lot import Lot
from mokanda_firmware.modem.networks import Form
from mokanda_wire import durable

MOST_KEPT: Final = 20
_MOST_LATE = 3  # orders of which one may still wait for an answer
_MAX_BYTES = 200_000  # of what is kept
_SENT: Final = Sentence("The message has gone. The network answers by a message.")


class Order(NamedTuple):
    """An order, and what the network or the modem has said: nothing yet, or nobody knows."""

    number: int
    name: str  # of what was ordered; no voucher's number
    started: datetime | None
    text: str = ""  # the network's answer
    is_menu: bool = False
    said: Sentence | None = None  # how it went where there is no answer
    failed: bool = False
    sent: str = ""  # what tells what was sent from all else


def _fingerprint(form: Form) -> str:
    content = json.dumps(records.dump(form))
    return hashlib.sha256(content.encode()).hexdigest()


class Sender(Protocol):
    """What is needed of `sim_services.SimServices`."""

    def ask_network(self, code: str) -> Answer: ...  # noqa: D102
    def send(self, text: str, number: str) -> None: ...  # noqa: D102


def read() -> list[Order]:
    """Return the last orders, the latest first."""
    content = records.read_json(paths.orders(), _MAX_BYTES)
    orders = []
    for each in content[:MOST_KEPT] if isinstance(content, list) else ():
        with contextlib.suppress(ValueError, RecursionError):
            orders.append(records.load(Order, each))
    return orders


def find(number: int) -> Order | None:
    """Return the order that has a number; None: it is not noted."""
    return next((each for each in read() if each.number == number), None)


class Counter(Lot):
    """Where orders are taken."""

    def __init__(self) -> None:
        super().__init__()
        self._unkept: Order | None = None  # the last one, if how it went found no room

    def has_taken(self, number: int) -> bool:
        """Whether what has this number is done, or is being done, and may be told again."""
        return super().has_taken(number) or self._known(number) is not None

    def carry_out(self, number: int, name: str, form: Form, sender: Sender) -> Order:
        """Send it, unless that was done; return how it went.

        Raises:
            RequestError: another order has this number's place, or it cannot be noted: nothing is
                sent.
        """
        sent = _fingerprint(form)
        known = self._known(number)
        if known is not None and known.sent == sent:
            return known
        self.check(number, has_another=known is not None or super().has_taken(number))
        order = Order(number, name, relaytime.now(), sent=sent)
        with refusal_if_not_kept():
            _keep(order)
        self.take()
        order = _sent(order, form, sender)
        try:
            _keep(order)
            self._unkept = None
        except OSError:  # it was noted that nobody knows, and is told as long as the daemon lives
            self._unkept = order
        return order

    def _known(self, number: int) -> Order | None:
        if self._unkept is not None and self._unkept.number == number:
            return self._unkept
        return find(number)


def _sent(order: Order, form: Form, sender: Sender) -> Order:
    try:
        if form.to:
            sender.send(form.send, form.to)
            return order._replace(said=_SENT)
        answer = sender.ask_network(form.send)
    except UssdError as error:
        return order._replace(said=None if error.is_sent else error.sentence, failed=True)
    except SendError as error:
        return order._replace(said=error.sentence, failed=True)
    return order._replace(text=answer.text, is_menu=answer.is_menu)


def came_late(form: Form, text: str) -> None:
    """Note what the network has said later to what was sent, if that was one of the last orders."""
    for order in read()[:_MOST_LATE]:
        if order.sent == _fingerprint(form) and not order.said:
            told = "\n".join(filter(None, (order.text, text)))[:MAX_TEXT]
            with contextlib.suppress(OSError):
                _keep(order._replace(text=told, failed=False))
            return


def _keep(order: Order) -> None:
    kept = {each.number: each for each in read()}
    if order.number not in kept:
        kept = {order.number: order} | kept
    kept[order.number] = order
    content = [records.dump(each) for each in kept.values()][:MOST_KEPT]
    durable.write(paths.orders(), json.dumps(content).encode())
