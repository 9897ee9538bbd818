# SPDX-License-Identifier: Apache-2.0
"""Where the relay is: as the claim file says, or where this device has followed it since.

A relay announces that it moves to another address, or takes another key, by a message that is
signed with the key that the device knows. The device notes it beside the claim, tries the new place
first from then on, and goes by it for good once the relay has proved there that it has the new key.
Until then the place before counts as before; after that its address stays the last resort, with the
new key.

The file (paths.followed) holds for one claim: another one is newer than all that was followed.
"""

import json
import logging
from typing import NamedTuple

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_wire import durable
from mokanda_wire.claimfile import ClaimFile

_MOST_FORMER = 4

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """An address (https URL) of the relay, and what proves the relay there.

    `certificate` is in PEM, or "" where authorities vouch; `fingerprint` is that of the relay's
    OpenPGP key, and `key` the key itself (base64) where it came with a move; `number` is the
    move's, 0 for the claim's own place.
    """

    relay: str
    certificate: str
    fingerprint: str
    number: int = 0
    key: str = ""

    @classmethod
    def of_claim(cls, claim: ClaimFile) -> "Place":
        """Where the claim file says that the relay is."""
        return cls(claim.relay, claim.certificate, claim.relay_fingerprint)


class Places(NamedTuple):
    """Where the relay is `here`, where it will be `next`, and where it was; for one claim's code.

    Nothing has come from `next` yet that proves that the relay is there.
    """

    code: str
    here: Place
    next: Place | None = None
    former: tuple[Place, ...] = ()  # the latest first

    def noted(self) -> int:
        """The number of the latest move that this device knows of."""
        return self.next.number if self.next else self.here.number

    def proved(self) -> list[Place]:
        """Where the relay has been, in the order in which to try: all by the key of `here`."""
        return list(dict.fromkeys([self.here, *(_at(each, self.here) for each in self.former)]))

    def all(self) -> list[Place]:
        """Where the relay may be, in the order in which to try."""
        return [*([self.next] if self.next else []), *self.proved()]

    def keys(self) -> list[str]:
        """Fingerprints of all keys by which the relay may have signed what is on its way."""
        latest = [self.next] if self.next else []
        known = [*latest, self.here, *self.former]
        return list(dict.fromkeys(place.fingerprint for place in known))


def _at(place: Place, here: Place) -> Place:
    return here._replace(relay=place.relay, certificate=place.certificate)


def read(claim: ClaimFile) -> Places:
    """Return where the relay of this claim is; what cannot be read was never followed."""
    try:
        written = json.loads(paths.followed().read_text(encoding="utf-8"))
        places = records.load(Places, written)
    except (OSError, ValueError):
        places = None
    if places is None or places.code != claim.code:
        return Places(claim.code, Place.of_claim(claim))
    return places


def keep(places: Places) -> None:
    """Go by these places from now on; raises OSError when they cannot be written."""
    durable.write(paths.followed(), json.dumps(records.dump(places)).encode())


def follow(claim: ClaimFile, place: Place) -> None:
    """Go by a place from now on: the relay has proved that it is there.

    Raises:
        OSError: it cannot be written; the place has to be proved again.
    """
    places = read(claim)
    if places.next != place:
        return
    former = [each for each in (places.here, *places.former) if _address(each) != _address(place)]
    keep(Places(claim.code, place, former=tuple(former[:_MOST_FORMER])))
    log.info("followed move %d of the relay, to %s", place.number, place.relay)


def _address(place: Place) -> tuple[str, str, str]:
    return place.relay, place.certificate, place.fingerprint
