# SPDX-License-Identifier: Apache-2.0
"""What the daemons say of the device, in the reader's language: a card of the page for each."""

from datetime import UTC, datetime
from typing import NamedTuple

from mokanda_firmware import paths
from mokanda_firmware.bus import units
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import (
    CourierState,
    ModemState,
    SetupState,
    StoreState,
    UnitState,
    UpdatesState,
)
from mokanda_firmware.bus.statuses import (
    CourierStatus,
    HotspotStatus,
    LightsStatus,
    ModemStatus,
    SetupStatus,
    StoreStatus,
    UpdatesStatus,
)
from mokanda_firmware.mailbox.store.mending import Mending
from mokanda_firmware.webmail.languages import N_, Language
from mokanda_firmware.webmail.wording import states
from mokanda_firmware.webmail.wording.states import Mood, Said


class Fact(NamedTuple):
    """What else there is to tell; `bars` is 1 to 4 for a strength, which is drawn too."""

    title: str
    value: str
    bars: int = 0


class Card(NamedTuple):
    """The status of a daemon, or of the card, for the page."""

    title: str
    sentence: str
    mood: Mood
    detail: str = ""
    progress: float | None = None  # from 0 to 1
    facts: tuple[Fact, ...] = ()
    action: str = ""  # where the keeper's form goes, "" when there is nothing to do
    action_name: str = ""


class Cards:
    """Reads what the daemons have published, and says it."""

    def __init__(self, language: Language, zone: str) -> None:
        """`zone` is the village's time zone, "" for the device's own."""
        self._language = language
        self._zone = zone

    def all(self) -> list[Card]:
        """Return the cards of all daemons."""
        hotspot = HotspotStatus.read()
        return [
            self.courier(),
            self.modem(),
            self.setup(),
            self.updates(),
            self.lights(),
            *self._store(),
            *self._firewall(),
            # A board without a Wi-Fi card has nothing to say of it.
            *([self._hotspot(hotspot)] if hotspot else []),
        ]

    def courier(self) -> Card:
        """Say when mail went, and goes next; it can be sent off once there is a relay."""
        status = CourierStatus.read()
        title = N_("Mail run")
        if _has_stopped("mokanda-courier"):
            return self._card(title, states.STOPPED, None)
        if status is None:
            return self._card(title, states.UNKNOWN, None)
        action = ("/device/sync", N_("Send and fetch mail now"))
        return self._card(
            title,
            states.COURIER[status.state],
            status.detail,
            self._time(N_("Last mail run"), status.last_success),
            self._time(N_("Next mail run"), status.next_sync),
            self._size(N_("Data sent"), status.bytes_up),
            self._size(N_("Data received"), status.bytes_down),
            progress=status.progress,
            action=None if status.state is CourierState.UNCLAIMED else action,
        )

    def modem(self) -> Card:
        """Say how the modem, its SIM card and the network are."""
        status = ModemStatus.read()
        title = N_("Modem")
        if _has_stopped("mokanda-modem"):
            return self._card(title, states.STOPPED, None)
        if status is None:
            return self._card(title, states.UNKNOWN, None)
        return self._card(
            title,
            states.MODEM[status.state],
            status.detail,
            self._text(N_("Credit"), self._say(status.no_credit)),
            self._text(N_("Network"), status.operator),
            self._signal(status.signal),
            self._text(N_("SIM card"), self._sim(status)),
            self._text(N_("Model"), status.model),
        )

    def modem_in_full(self) -> Card:
        """Say of the modem what its keeper needs to know; of its SIM card, `sim` does."""
        card, status = self.modem(), ModemStatus.read()
        if status is None or _has_stopped("mokanda-modem"):
            return card
        facts = (
            self._signal(status.signal),
            self._text(N_("Network"), status.operator),
            self._text(N_("Model"), status.model),
            Fact("IMEI", status.imei) if status.imei else None,
        )
        return card._replace(facts=tuple(fact for fact in facts if fact))

    def other_modems(self) -> list[Fact]:
        """Return what else is plugged in, and how that is."""
        status = ModemStatus.read()
        others = status.others if status and not _has_stopped("mokanda-modem") else ()
        text = self._language.text
        return [Fact(other.model, text(states.MODEM[other.state][1])) for other in others]

    def sim(self) -> Card:
        """Say how the SIM card is, as far as the modem has come to it."""
        title, status = N_("SIM card"), ModemStatus.read()
        if status is None or _has_stopped("mokanda-modem"):
            return self._card(title, states.UNKNOWN, None)
        if status.state in (ModemState.NO_SIM, ModemState.PIN, ModemState.PUK):
            return self._card(title, states.MODEM[status.state], None)
        if not status.imsi:
            return self._card(title, states.UNKNOWN, None)
        return self._card(title, states.SIM_RECOGNISED, None, Fact("IMSI", status.imsi))

    def setup(self) -> Card:
        """Say how far the claim has come, and whether it still holds."""
        status, courier = SetupStatus.read(), CourierStatus.read()
        title = N_("Connection to the relay")
        if status is None:
            return self._card(title, states.UNKNOWN, None)
        said, detail = states.SETUP[status.state], status.detail
        if (
            status.state is SetupState.CLAIMED
            and courier is not None
            and courier.state is CourierState.REFUSED
        ):
            said, detail = states.REFUSED, courier.detail
        return self._card(
            title,
            said,
            detail,
            self._text(N_("Domain"), status.domain),
            self._text(N_("Relay"), status.relay),
            self._text(N_("SETUP, on the card"), self._setup_partition()),
        )

    def _setup_partition(self) -> str:
        """Say of the partition for the claim file what is not as usual; "" if nothing is."""
        if not paths.setup_made_anew().exists():
            return ""
        return self._language.text(N_("it could not be read, and was made anew, empty"))

    def updates(self) -> Card:
        """Say which software runs, and what can be done about it."""
        status = UpdatesStatus.read()
        title = N_("Software")
        if status is None:
            return self._card(title, states.UNKNOWN, None)
        action = None
        if status.state is UpdatesState.AVAILABLE:
            action = ("/device/update", N_("Install the update"))
        elif status.state in (UpdatesState.IDLE, UpdatesState.FAILED):
            action = ("/device/check", N_("Look for an update"))
        said = states.UPDATES[status.state]
        if status.state is UpdatesState.FAILED and not status.failed and not status.offered:
            said = states.ROTTEN
        return self._card(
            title,
            said,
            status.detail,
            self._text(N_("Version"), status.version),
            self._time(N_("Installed"), status.installed),
            self._time(N_("Mended"), status.mended),
            self._text(N_("Runs from slot"), status.slot),
            self._text(N_("New version"), status.offered or ""),
            self._size(N_("Its size"), status.size or 0),
            progress=status.progress,
            action=action,
        )

    def lights(self) -> Card:
        """Say what the lamps show."""
        status = LightsStatus.read()
        said = states.LIGHTS[status.state] if status else states.UNKNOWN
        if _has_stopped("mokanda-lights"):
            said = states.STOPPED
        return self._card(N_("Lights"), said, None)

    def _store(self) -> list[Card]:
        """Say what is wrong with the mail store, or was not long ago; nothing if all is well."""
        status, mending = StoreStatus.read(), Mending.read()
        state = status.state if status else StoreState.SOUND
        if state is StoreState.SOUND and mending is None:
            return []
        date = self._language.date_and_time
        detail = mended = None
        if mending is not None:
            detail = mending.sentence(date(mending.copy or 0, self._zone))
            mended = datetime.fromtimestamp(mending.at, UTC)
        title = N_("Letters and accounts")
        card = self._card(title, states.STORE[state], detail, self._time(N_("Mended"), mended))
        if state in states.STORE_ADVICE:
            card = card._replace(detail=self._language.text(states.STORE_ADVICE[state]))
        return [card]

    def _firewall(self) -> list[Card]:
        """Say that there is no firewall, and hence no uplink; nothing if all is well."""
        if not _has_stopped(units.FIREWALL):
            return []
        return [self._card(N_("Firewall"), states.NO_FIREWALL, None)]

    def _hotspot(self, status: HotspotStatus) -> Card:
        network = self._text(N_("Name of the Wi-Fi"), status.network)
        return self._card(N_("Wi-Fi"), states.HOTSPOT[status.state], None, network)

    def _card(
        self,
        title: str,
        said: Said,
        detail: Sentence | None,
        *facts: Fact | None,
        progress: float | None = None,
        action: tuple[str, str] | None = None,
    ) -> Card:
        mood, sentence = said
        text = self._language.text
        place, name = action or ("", "")
        return Card(
            text(title),
            text(sentence),
            mood,
            detail.translated(text) if detail else "",
            progress,
            tuple(fact for fact in facts if fact),
            place,
            text(name) if name else "",
        )

    def _say(self, sentence: Sentence | None) -> str:
        return sentence.translated(self._language.text) if sentence else ""

    def _text(self, title: str, value: str) -> Fact | None:
        return Fact(self._language.text(title), value) if value else None

    def _time(self, title: str, at: datetime | None) -> Fact | None:
        if at is None:
            return None
        return self._text(title, self._language.date_and_time(int(at.timestamp()), self._zone))

    def _size(self, title: str, size: int) -> Fact | None:
        return self._text(title, self._language.size(size)) if size else None

    def _signal(self, percent: int | None) -> Fact | None:
        """Say how strong the signal is: in words, in percent, and as bars."""
        if percent is None:
            return None
        for least, bars, word in _STRENGTHS:
            if percent >= least:
                text = self._language.text
                return Fact(text(N_("Signal")), f"{text(word)}, {percent} %", bars)
        return None

    def _sim(self, status: ModemStatus) -> str:
        """Say how the SIM card is, as far as the modem has come to it."""
        if status.state is ModemState.NO_SIM:
            return self._language.text("missing")
        if status.state in (ModemState.PIN, ModemState.PUK):
            return self._language.text("locked")
        return self._language.text("recognised") if status.imsi else ""


def _has_stopped(unit: str) -> bool:
    """Whether a daemon that should always run does not: what it told last is no longer true."""
    return units.state_of(unit) in (UnitState.ENDED, UnitState.FAILED)


# From how many percent on, the bars that are drawn, and the word.
_STRENGTHS = (
    (60, 4, N_("strong")),
    (40, 3, N_("good")),
    (20, 2, N_("weak")),
    (0, 1, N_("very weak")),
)
