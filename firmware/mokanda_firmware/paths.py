# SPDX-License-Identifier: Apache-2.0
"""Where everything lies on a device; every path of the firmware comes from here.

Three environment variables move the roots, so that tests and a run on the host use folders of their
own. They are read at each call.
"""

import os
from pathlib import Path


def _root(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default)


def data() -> Path:
    """What outlives a reboot: MOKANDA_DATA."""
    return _root("MOKANDA_DATA", "/data/mokanda")


def run() -> Path:
    """What a reboot clears: MOKANDA_RUN."""
    return _root("MOKANDA_RUN", "/run/mokanda")


def setup() -> Path:
    """Where the SETUP partition, which any laptop can write to, is mounted: MOKANDA_SETUP."""
    return _root("MOKANDA_SETUP", "/run/mokanda/setup")


def setup_made_anew() -> Path:
    """There from a start that has found no SETUP partition and made an empty one, to the next."""
    return run() / "setup-made-anew"


def setup_result() -> Path:
    """What a person with a laptop reads on the SETUP partition after a start."""
    return setup() / "mokanda-result.txt"


def board() -> Path:
    """What hardware this board has: MOKANDA_BOARD, part of the image."""
    return _root("MOKANDA_BOARD", "/usr/lib/mokanda/board.toml")


def mail_database() -> Path:
    """The mail store."""
    return data() / "mail.db"


def store_mark() -> Path:
    """There once this device has had a mail store."""
    return data() / "store-made"


def keeper_mark() -> Path:
    """There once this device has had a keeper."""
    return data() / "keeper-made"


def anew_mark() -> Path:
    """There while a new mail store may be made beside what is left of an old device."""
    return data() / "store-anew"


def store_in_use() -> Path:
    """There while the mail store is in use: at a start it tells of an end that was none."""
    return data() / "store-in-use"


def store_damage() -> Path:
    """There when the mail store turned out to be damaged: it is mended at the next start."""
    return data() / "store-damaged"


def store_copies() -> Path:
    """Folder of copies of the mail store, of the last nights on which it has changed."""
    return data() / "copies"


def damaged_store() -> Path:
    """Folder of the last mail store that was damaged, as it was."""
    return data() / "damaged"


def mended() -> Path:
    """What was done to mend the mail store, for the keeper."""
    return data() / "mended.json"


def keeper_code() -> Path:
    """What a code on the card, that lets a device begin anew, is known by."""
    return data() / "keeper-code"


def attachments() -> Path:
    """Folder of attachments: <first two hex digits>/<sha256>."""
    return data() / "attachments"


def keys() -> Path:
    """GnuPG's home folder, mode 0700."""
    return data() / "keys"


def claim() -> Path:
    """The claim file as imported from the SETUP partition."""
    return data() / "claim.toml"


def claim_result() -> Path:
    """What the relay answered to the claim."""
    return data() / "claim.json"


def card_mark() -> Path:
    """By what the relay knows this card again; in no backup, and no restore replaces it."""
    return data() / "card"


def followed() -> Path:
    """Where the relay has moved since the claim, and what proves it there."""
    return data() / "followed.json"


def relay_address() -> Path:
    """At which IP address the relay was last."""
    return data() / "relay-address.json"


def former_claims() -> Path:
    """Which claim codes this device no longer takes from the card; it outlives a wipe."""
    return data() / "former-claims.json"


def wifi() -> Path:
    """What the keeper has set for the village's Wi-Fi."""
    return data() / "wifi.json"


def modem() -> Path:
    """What the keeper has set for the modem."""
    return data() / "modem.json"


def pin() -> Path:
    """The PIN that a SIM card has taken, if the keeper wants it kept."""
    return data() / "pin.json"


def messages() -> Path:
    """Text messages that came for the SIM card."""
    return data() / "messages.json"


def shop() -> Path:
    """What the keeper has noted of what networks sell."""
    return data() / "shop.json"


def orders() -> Path:
    """The last that was ordered of a network, and what came of it."""
    return data() / "orders.json"


def calls() -> Path:
    """The modem's last calls, and the one that is under way."""
    return data() / "calls.json"


def restart() -> Path:
    """The last restart of this device for its modem's sake."""
    return data() / "restart.json"


def credit() -> Path:
    """The sign that the SIM card's credit is used up, while there is one."""
    return data() / "credit.json"


def balance() -> Path:
    """The SIM card's credit, by day."""
    return data() / "balance.json"


def wipe_mark() -> Path:
    """There while this device is to be wiped, or is being."""
    return data() / "wipe"


def bundles() -> Path:
    """Folder of sealed bundles in flight."""
    return data() / "bundles"


def offer() -> Path:
    """What update the relay offers, noted by the courier."""
    return data() / "offer.json"


def updates() -> Path:
    """Folder of the update being fetched or tried."""
    return data() / "updates"


def root_hash() -> Path:
    """By what the initramfs has the root file system verified."""
    return run() / "root-hash"


def slots_lock() -> Path:
    """Locked by who writes to a slot of the card."""
    return run() / "slots.lock"


def restore() -> Path:
    """Folder of data being restored, and of those that they have replaced; beside the data."""
    return data().with_name(f"{data().name}-restore")


def stick() -> Path:
    """Where a memory stick is mounted while a backup is made or read; for the backup's daemon."""
    return run() / "stick"


def status(name: str) -> Path:
    """The status file that the daemon of this name publishes."""
    return run() / "status" / f"{name}.json"


def requests(daemon: str) -> Path:
    """The Unix socket at which this daemon takes requests."""
    return run() / "requests" / daemon
