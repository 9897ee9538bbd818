# SPDX-License-Identifier: Apache-2.0
"""What each daemon of a device publishes of itself, for the others, the lamps and the pages.

A status is a small JSON file that its daemon replaces atomically; a publisher knows nobody, and a
restart on either side leaves nothing stale. `changes` tells who waits that there is a new one.
Whatever is wrong with the folder, no publisher is disturbed: what cannot be replaced is taken away,
as it is no longer true, and `publishing` tries again.
"""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple, Self

from mokanda_firmware import paths
from mokanda_firmware.bus import publishing, records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import (
    CourierState,
    HotspotState,
    LightsState,
    ModemState,
    SetupState,
    StoreState,
    UpdatesState,
)

_MAX_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Status:
    """What one daemon publishes; `NAME` is that of its file."""

    NAME: ClassVar[str]

    def publish(self) -> None:
        """Replace what was published before, and wake subscribers; at once, or when it can be."""
        publishing.publish(paths.status(self.NAME), records.dump(self))

    @classmethod
    def read(cls) -> Self | None:
        """Return what was published last.

        None before that, and where another version has published what is not understood here.
        """
        return records.read(cls, paths.status(cls.NAME), _MAX_BYTES)


@dataclass(frozen=True, slots=True)
class CourierStatus(Status):
    """The courier's; of the last mail run it tells mails and bytes.

    `link` is the one of `last_success`, `no_way` whether the last run has found none; after
    `overdue` another should have gone well.
    """

    NAME = "courier"

    state: CourierState
    _: KW_ONLY
    detail: Sentence | None = None
    progress: float | None = None  # of a bundle on its way, from 0 to 1
    waiting: int = 0  # letters that have not left yet
    next_sync: datetime | None = None
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    link: str = ""
    no_way: bool = False
    overdue: datetime | None = None
    sent: int = 0
    received: int = 0
    bytes_up: int = 0
    bytes_down: int = 0


class OtherModem(NamedTuple):
    """One that is plugged in too, and not used."""

    model: str
    state: ModemState


@dataclass(frozen=True, slots=True)
class ModemStatus(Status):
    """The modem's; "" is what it has not told. `signal` is in percent, None when unknown."""

    NAME = "modem"

    state: ModemState
    _: KW_ONLY
    detail: Sentence | None = None
    model: str = ""
    imei: str = ""
    imsi: str = ""
    operator: str = ""
    signal: int | None = None
    apn: str = ""  # the access point that was dialled last with this card
    interface: str = ""  # of the network, while it is connected
    tries: int | None = None  # that the SIM card has left for the code that it asks for
    no_credit: Sentence | None = None  # the sign that the SIM card's credit is used up
    next_order: int = 0  # the number that its form has to have
    open_menu: int = 0  # the number of the form that has brought a menu, while that waits
    others: tuple[OtherModem, ...] = ()


@dataclass(frozen=True, slots=True)
class SetupStatus(Status):
    """How far the claim has come, and what it names."""

    NAME = "setup"

    state: SetupState
    _: KW_ONLY
    detail: Sentence | None = None
    village: str = ""
    domain: str = ""
    relay: str = ""


@dataclass(frozen=True, slots=True)
class UpdatesStatus(Status):
    """The software that runs, from which slot and since when, and the one that is offered.

    `failed` is the version that was refused or did not prove itself last; `detail` says why. It is
    `put_off` where the card is to blame for that. When something in the slots that had rotted was
    `mended` last, and what is to be said of it to the operator (`rot`).
    """

    NAME = "updates"

    state: UpdatesState
    _: KW_ONLY
    detail: Sentence | None = None
    progress: float | None = None  # of downloading or installing, from 0 to 1
    version: str = ""
    slot: str = ""
    installed: datetime | None = None
    offered: str | None = None
    failed: str = ""
    put_off: bool = False
    size: int | None = None  # of what is offered, in bytes
    mended: datetime | None = None
    rot: str = ""


@dataclass(frozen=True, slots=True)
class StoreStatus(Status):
    """How the mail store is, as the webmail finds it."""

    NAME = "store"

    state: StoreState


@dataclass(frozen=True, slots=True)
class WebmailStatus(Status):
    """When somebody who is logged in was last in the webmail, to the minute."""

    NAME = "webmail"

    visited: float  # seconds since the boot


@dataclass(frozen=True, slots=True)
class LightsStatus(Status):
    """What the lamps show, and what they hang on."""

    NAME = "lights"

    state: LightsState
    _: KW_ONLY
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HotspotStatus(Status):
    """The village's Wi-Fi as it was started."""

    NAME = "hotspot"

    state: HotspotState
    _: KW_ONLY
    network: str = ""
