# SPDX-License-Identifier: Apache-2.0
"""A stick that is a router of its own, or a phone that shares its connection by USB.

What it is shows at its gateway: a HiLink stick answers by its API, another router has a page, a
phone serves none.
"""

from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import inbox
from mokanda_firmware.modem.backend import Answer, Facts, Finding, PinError, SendError, UssdError
from mokanda_firmware.modem.clock import Turns
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.hilink import sending
from mokanda_firmware.modem.hilink import stick as hilink
from mokanda_firmware.modem.hilink.inbox import Inbox
from mokanda_firmware.modem.hilink.page import (
    NoPageError,
    Page,
    PageError,
    RefusedError,
    StrangerError,
)
from mokanda_firmware.modem.hilink.ussd import Questions
from mokanda_firmware.modem.machine import Event
from mokanda_firmware.modem.patience import Patience
from mokanda_firmware.modem.recovery import Rung
from mokanda_firmware.modem.settings import Settings
from mokanda_firmware.modem.stick import Stick
from mokanda_firmware.uplink.interface import Interface, Lease
from mokanda_firmware.uplink.meter import Meter

_PATIENCE = 30.0  # seconds that carrier and address may take
_STARTING: Final = Sentence("The network card is starting.")
_ITS_OWN: Final = Sentence("This stick sees to its SIM card by itself, on a page of its own.")
_WITHOUT_CARD: Final = frozenset(
    {Event.SIM_STARTING, Event.SIM_MISSING, Event.PIN_ASKED, Event.PUK_ASKED}
)
_SLOW = 10.0  # seconds that a page may take longer than the address
_AGAIN = 60.0  # seconds after which what is no HiLink is asked whether it is: some start slowly


class Kind(Enum):
    """What a network card turns out to be."""

    UNKNOWN = auto()
    HILINK = auto()
    ROUTER = auto()
    PHONE = auto()


class NetworkCard:
    """The back-end of such a stick: it is ready once it has given this device an address."""

    def __init__(self, stick: Stick, clock: Turns, credit: Credit) -> None:
        self._model = stick.name
        self._clock = clock
        self._inbox = Inbox(clock, credit)
        self._questions = Questions(clock)
        self.menu_is_open = False
        self._kind = Kind.UNKNOWN
        self._page: Page | None = None  # at the gateway of the lease
        self._ask_page_at = 0.0
        self._has_dialled = False  # whether it is connected because we wanted it
        self._interface = Interface(stick.cards[0])
        self._patience = Patience(clock, _PATIENCE)
        self._page_patience = Patience(clock, _SLOW)
        self._lease: Lease | None = None  # as it was last looked at
        self._is_wanted = False
        self._is_up = False  # whether `hear` has told so
        self._meter = Meter(self._interface.name)
        self._traffic = (0, 0)

    def fileno(self) -> int | None:
        """Return the descriptor by which the kernel tells of carrier and addresses."""
        return self._interface.fileno()

    def fits(self, stick: Stick) -> bool:
        """A stick whose serial ports appear after its card is a modem."""
        return not stick.ports and self._interface.name in stick.cards

    def ask(self, facts: Facts, tell: Callable[[Facts], None]) -> Finding:  # noqa: ARG002
        """It is ready when there is another end with an address, and no trouble behind that."""
        self._lease = self._interface.lease()
        if self._lease is None:
            self._page = None
            self._page_patience.renew()
            return self._unready()
        self._patience.renew()
        if self._page is None or self._page.gateway != self._lease.gateway:
            self._page = Page(self._interface.name, self._lease.gateway)
            self._kind, self._ask_page_at = Kind.UNKNOWN, 0.0
        facts = facts._replace(interface=self._interface.name)
        found = self._ask_page(self._page, facts)
        if found is not None:
            self._model = found.facts.model or self._model
            return found._replace(again=self._hear_stick(self._page, found))
        if self._kind is not Kind.ROUTER and self._page_patience.lasts():
            self._ask_page_at = 0.0
            return Finding(Event.SIM_STARTING, _STARTING, Facts(model=self._model))
        facts = Facts(model=self._model, interface=self._interface.name)
        return Finding(Event.REGISTERED, self._named(), facts)

    def _ask_page(self, page: Page, facts: Facts) -> Finding | None:
        """Have a HiLink tell how it is; None: it is none, or says nothing."""
        if self._clock.now() < self._ask_page_at:
            return None
        try:
            with page.visit():
                found = hilink.look(page, facts, roaming=Settings.read().roaming)
        except NoPageError:
            self._kind = Kind.PHONE
        except (StrangerError, RefusedError):
            self._kind = Kind.ROUTER
        except PageError:
            self._kind = Kind.UNKNOWN
        else:
            self._kind = Kind.HILINK
            return found
        self._ask_page_at = self._clock.now() + _AGAIN
        return None

    def _hear_stick(self, page: Page, found: Finding) -> float | None:
        """Take in what a HiLink has to tell, which announces nothing; how soon to ask again."""
        again = self._questions.hear(page)
        if found.event in _WITHOUT_CARD:
            return again
        names = inbox.names_of(found.facts.imsi, found.facts.operator)
        return min(filter(None, (again, self._inbox.empty(page, names))))

    def _named(self) -> Sentence:
        match self._kind:
            case Kind.PHONE:
                return Sentence(
                    "A phone shares its connection: {model}. The mail's data are taken from its"
                    " data plan.",
                    model=self._model,
                )
            case Kind.ROUTER:
                return Sentence("{model} is a router of its own.", model=self._model)
            case _:
                return Sentence("{model} is a network card.", model=self._model)

    def _unready(self) -> Finding:
        facts = Facts(model=self._model)
        if self._patience.lasts():
            return Finding(Event.SIM_STARTING, _STARTING, facts)
        if self._interface.has_carrier():
            detail = Sentence(
                "{model} gives this device no address. Pull it out and plug it in again; if it is"
                " a phone, switch its sharing by USB off and on.",
                model=self._model,
            )
        else:
            detail = Sentence(
                "{model} has no connection to give. If it is a phone, switch its sharing by USB"
                " on; else pull it out and plug it in again.",
                model=self._model,
            )
        return Finding(Event.NO_DATA, detail, facts)

    def hear(self) -> Finding | Event | None:
        """Take in what has become of carrier and address."""
        self._interface.drain()
        before, self._lease = self._lease, self._interface.lease()
        if not self._is_wanted:
            return Event.DUE if self._lease != before else None
        if self._is_up == (self._lease is not None and (self._is_up or self._has_data())):
            return None
        self._is_up = not self._is_up
        facts = Facts(interface=self._interface.name)
        if self._is_up:
            self._meter = Meter(self._interface.name)  # what went to its page before costs nothing
            detail = Sentence("Connected through {name}.", name=self._model)
            return Finding(Event.LINK_UP, detail, facts)
        lost = Sentence("{model} has lost its connection.", model=self._model)
        return Finding(Event.LINK_LOST, lost, facts)

    def _has_data(self) -> bool:
        """Whether a HiLink is connected; of others nobody can tell but who uses them."""
        if self._kind is not Kind.HILINK or self._page is None:
            return True
        with suppress(PageError), self._page.visit():
            return hilink.has_data(self._page)
        return False

    def dial(self, facts: Facts, tell: Callable[[Sentence, str], None]) -> None:  # noqa: ARG002
        """Most dial by themselves; a HiLink that has not is told to."""
        self._is_wanted = True
        self._is_up = False
        self._meter = Meter(self._interface.name)
        if self._kind is Kind.HILINK and self._page is not None:
            self.leave_menu()
            with suppress(PageError), self._page.visit():
                if not hilink.has_data(self._page):
                    hilink.connect(self._page)
                    self._has_dialled = True

    def enter_pin(self, pin: str, *, keep: bool) -> None:
        """Give it to a HiLink; others see to their card by themselves."""
        hilink.enter_pin(self._hilink_page(), pin, keep=keep)

    def unlock(self, puk: str, pin: str) -> None:
        """Give them to a HiLink; others see to their card by themselves."""
        hilink.unlock(self._hilink_page(), puk, pin)

    def _hilink_page(self) -> Page:
        if self._kind is not Kind.HILINK or self._page is None:
            raise PinError(_ITS_OWN)
        return self._page

    def ask_network(self, code: str, *, leave: bool) -> Answer:
        """Have a HiLink ask; others do so on a page of their own."""
        if self._kind is not Kind.HILINK or self._page is None:
            raise UssdError(_ITS_OWN)
        return self._questions.ask(self._page, code, leave=leave)

    def leave_menu(self) -> None:
        """Have a HiLink wait for nothing that the network may want or say."""
        if self._kind is Kind.HILINK and self._page is not None:
            self._questions.give_up(self._page)

    def send(self, text: str, number: str) -> None:
        """Have a HiLink send a text message."""
        if self._kind is not Kind.HILINK or self._page is None:
            raise SendError(_ITS_OWN)
        sending.send(self._page, self._clock, text, number)

    def hang_up(self) -> None:
        """It stays connected for whoever else needs it, unless it is so for us alone."""
        self._is_wanted = False
        self._traffic = self._meter.passed()
        self.leave_menu()
        if self._has_dialled and self._page is not None:
            with suppress(PageError), self._page.visit():
                hilink.disconnect(self._page)
        self._has_dialled = False

    def traffic(self) -> tuple[int, int]:
        """Return the bytes sent and received while it is, or was, wanted."""
        return self._meter.passed() if self._is_wanted else self._traffic

    def recover(self, rung: Rung) -> None:
        """There is no step that goes through it."""

    def close(self) -> None:
        """Hear no more of it."""
        self._interface.close()
