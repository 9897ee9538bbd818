# SPDX-License-Identifier: Apache-2.0
"""What the keeper sets for the village's Wi-Fi: its name, its key, the country it is in."""

import hashlib
import json
import logging
import re
from typing import NamedTuple

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_wire import durable

MAX_NAME = 32  # bytes, as in IEEE 802.11
MIN_KEY, MAX_KEY = 8, 63  # characters of a WPA2 passphrase
_KEY = re.compile(rf"[ -~]{{{MIN_KEY},{MAX_KEY}}}")
_COUNTRY = re.compile("[A-Z]{2}")
_log = logging.getLogger(__name__)


class WifiError(SentenceError):
    """The settings cannot be used."""


class Wifi(NamedTuple):
    """A network; `key` is "" when it is open, `country` when none is told (ISO 3166-1)."""

    name: str
    key: str = ""
    country: str = ""

    def check(self) -> None:
        """See whether every card and phone can take these settings.

        Raises:
            WifiError: they cannot.
        """
        # Surrogates, which have no bytes, are not printable.
        if not self.name.strip() or not self.name.isprintable():
            raise WifiError(Sentence("The Wi-Fi needs a name of letters and digits."))
        if len(self.name.encode()) > MAX_NAME:
            raise WifiError(
                Sentence(
                    "The name of the Wi-Fi is too long: {number} letters at most.", number=MAX_NAME
                )
            )
        if self.key and not _KEY.fullmatch(self.key):
            raise WifiError(
                Sentence(
                    "The key of the Wi-Fi needs {least} to {most} characters, without accents.",
                    least=MIN_KEY,
                    most=MAX_KEY,
                )
            )
        if self.country and not _COUNTRY.fullmatch(self.country):
            raise WifiError(Sentence("A country has two letters, like CD or CM."))

    def pre_shared_key(self) -> str:
        """Return the key as the radio has it, 64 hexadecimal digits (IEEE 802.11, J.4)."""
        secret, salt = self.key.encode(), self.name.encode()
        return hashlib.pbkdf2_hmac("sha1", secret, salt, 4096, 32).hex()


def of_village(village: str) -> Wifi:
    """Return the network that a device has by itself: open, and called after its village."""
    name = "".join(each for each in f"Mokanda {village}" if each.isprintable())
    return Wifi(name.strip().encode()[:MAX_NAME].decode(errors="ignore").strip())


def read() -> Wifi | None:
    """Return what was set; None when nothing was, or nothing that can be used."""
    try:
        wifi = Wifi(**json.loads(paths.wifi().read_text(encoding="utf-8")))
        wifi.check()
    except FileNotFoundError:
        return None
    except (OSError, AttributeError, TypeError, ValueError, WifiError) as error:
        _log.error("%s: %s", paths.wifi(), error)
        return None
    return wifi


def write(wifi: Wifi) -> bool:
    """Keep checked settings; return whether they are others than before.

    Raises:
        OSError: they are not kept.
    """
    if wifi == read():
        return False
    durable.write(paths.wifi(), json.dumps(wifi._asdict()).encode())
    return True
