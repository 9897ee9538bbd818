# SPDX-License-Identifier: Apache-2.0
"""How the calls of one stick go: noted for the keeper, for the next dial and for recovery."""

from collections.abc import Callable
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.backend import Finding
from mokanda_firmware.modem.calls import CallUnderWay
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.machine import Event
from mokanda_firmware.modem.recovery import Ladder

UNPLUGGED: Final = Sentence("The modem was unplugged.")


class CallAccount:
    """Told of each dial, of what happens, and when nothing goes over a call any more."""

    def __init__(self, clock: Clock, allowance: Allowance, ladder: Ladder) -> None:
        self.failure: Sentence | None = None  # why the last call was none, or ended by itself
        self._clock = clock
        self._allowance = allowance
        self._ladder = ladder
        self._call: CallUnderWay | None = None

    def dialled(self) -> None:
        """A call begins."""
        self._allowance.dialled()
        self._call = CallUnderWay(self._clock)
        self._call.goes_on("", (0, 0))

    def tell(self, state: ModemState, finding: Finding) -> None:
        """Something has happened in a state."""
        match finding.event:
            case Event.CALL_FAILED | Event.LINK_LOST | Event.SILENT:
                self.breaks(finding.detail, login=finding.login)
            case Event.LINK_UP:
                self.failure = None
                self._ladder.descend()
            case Event.UNWANTED if state is ModemState.CONNECTED:
                self._ends(None)
                self._allowance.succeeded()
            case Event.UNWANTED:
                self._ends(Sentence("The connection was cancelled."))
            case Event.UNPLUGGED:
                self.breaks(UNPLUGGED)

    def breaks(self, trouble: Sentence, *, login: bool = False) -> None:
        """Count a call that fails, if there is one; that the stick falls off the bus is one way."""
        if self._call is not None and not self._call.has_ended:
            self._ends(trouble)
            self.failure = trouble
            self._allowance.failed(login=login)

    def _ends(self, trouble: Sentence | None) -> None:
        if self._call is not None:
            self._call.ends(trouble)

    def goes_on(self, apn: str, traffic: Callable[[], tuple[int, int]]) -> None:
        """Note how far the call is, if there is one, for it may be cut off without a word."""
        if self._call is not None:
            self._call.goes_on(apn, traffic())

    def over(self, apn: str, traffic: Callable[[], tuple[int, int]]) -> None:
        """Keep the call, if there was one; `traffic` tells its bytes sent and received."""
        if self._call is not None:
            self._call.over(apn, traffic())
            self._call = None
