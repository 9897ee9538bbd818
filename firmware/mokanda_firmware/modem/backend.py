# SPDX-License-Identifier: Apache-2.0
"""What is needed of whatever talks to a stick: each kind of stick has its own."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, Self

from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.modem.machine import Event
from mokanda_firmware.modem.recovery import Rung
from mokanda_firmware.modem.stick import Stick

MAX_CODE: Final = 40
CODE: Final = re.compile(rf"[0-9*#+]{{1,{MAX_CODE}}}", re.ASCII)  # that the network is asked by
BEGINS_ANEW: Final = re.compile(r".+#")  # such a code answers no menu


class ModemError(Exception):
    """The modem does not answer as it should; it is worth while to start it anew."""


class CallError(SentenceError):
    """No connection came about; `login` tells that the network refused name and password."""

    def __init__(self, sentence: Sentence, *, login: bool = False) -> None:
        super().__init__(sentence)
        self.login = login


class UssdError(SentenceError):
    """The network gave no answer to a code such as *100#.

    `is_sent` tells that it may have had the code: nobody knows what it has done.
    """

    def __init__(self, sentence: Sentence, *, is_sent: bool = False) -> None:
        super().__init__(sentence)
        self.is_sent = is_sent

    @classmethod
    def refused(cls, code: str) -> Self:
        """Neither modem nor stick take it."""
        return cls(Sentence("The modem does not take {code}.", code=code))

    @classmethod
    def unanswered(cls, code: str) -> Self:
        """The network was asked, and says nothing."""
        return cls(Sentence("The network does not answer {code}.", code=code), is_sent=True)


class SendError(SentenceError):
    """A message has not gone, or nobody knows whether it has; the sentence tells which."""

    @classmethod
    def refused(cls, why: str) -> Self:
        """It has not gone."""
        return cls(Sentence("The message has not gone ({why}).", why=why))

    @classmethod
    def unknown(cls) -> Self:
        """It was handed over, and nothing certain came back."""
        return cls(Sentence("Whether the message has gone is not known."))


class PinError(SentenceError):
    """The SIM card does not take a PIN or PUK, or is not asked for one."""

    @classmethod
    def refused(cls, code: str, tries: int | None) -> Self:
        """The card has refused its "PIN" or "PUK"; tries left, or None if it does not tell."""
        if tries is None:
            return cls(Sentence("The SIM card does not take the {code}.", code=code))
        return cls(
            Sentence(
                "The SIM card does not take the {code}. Tries left: {count}.",
                code=code,
                count=tries,
            )
        )


class Facts(NamedTuple):
    """What is known of modem, SIM card and network; "" or None is what has not been told."""

    model: str = ""
    imei: str = ""
    imsi: str = ""
    operator: str = ""
    signal: int | None = None  # percent
    apn: str = ""  # the access point that was dialled last with this card
    interface: str = ""  # of the network, once there is one
    tries: int | None = None  # for the PIN or PUK that the card asks for
    asking: str = ""  # that card's number (ICCID)


class Answer(NamedTuple):
    """What the network says to a code; it waits for a reply if it is a menu."""

    text: str
    is_menu: bool


class Finding(NamedTuple):
    """What asking found, or what came by itself: the event, what people are told, the facts."""

    event: Event
    detail: Sentence
    facts: Facts = Facts()
    login: bool = False  # of CALL_FAILED: the network refused name and password
    again: float | None = None  # seconds after which there is more to be asked


class Backend(Protocol):
    """Talks to one stick. Every method may raise OSError: the stick may go at any moment."""

    menu_is_open: bool  # whether the network waits for an answer to the menu that it sent last

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when `hear` may have news; None: never."""

    def fits(self, stick: Stick) -> bool:
        """Whether this stick, as udev knows it now, is still to be talked to this way."""

    def ask(self, facts: Facts, tell: Callable[[Facts], None]) -> Finding:
        """Find out how modem, SIM card and network are; `tell` what is known meanwhile.

        Raises ModemError.
        """

    def hear(self) -> Finding | Event | None:
        """Take in what came by itself. Raises ModemError."""

    def dial(self, facts: Facts, tell: Callable[[Sentence, str], None]) -> None:
        """Dial, which may take a minute; `hear` says what comes of it.

        `tell` it with the access point that is dialled.

        Raises:
            CallError: it cannot be dialled.
        """

    def enter_pin(self, pin: str, *, keep: bool) -> None:
        """Give the SIM card its PIN, and keep that if it is taken. Raises PinError, ModemError."""

    def unlock(self, puk: str, pin: str) -> None:
        """Give the SIM card its PUK and a new PIN. Raises PinError, ModemError."""

    def ask_network(self, code: str, *, leave: bool) -> Answer:
        """Ask the network by USSD, or answer its menu: up to 30 seconds.

        `leave` a menu where nobody will answer it: an open one may keep calls from coming about.
        Raises UssdError, ModemError.
        """

    def leave_menu(self) -> None:
        """Have a menu that waits wait no longer."""

    def send(self, text: str, number: str) -> None:
        """Send a text message to a short number of the network's, once: up to 50 seconds.

        Raises SendError, ModemError.
        """

    def hang_up(self) -> None:
        """End a connection or the wish for one. Raises ModemError."""

    def traffic(self) -> tuple[int, int]:
        """Return the bytes sent and received by the call, or by the last one once it is over."""

    def recover(self, rung: Rung) -> None:
        """Take this step of recovery, if it is one that goes through the modem.

        Raises ModemError.
        """

    def close(self) -> None:
        """Let go of the stick, which may be gone."""
