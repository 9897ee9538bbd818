# SPDX-License-Identifier: Apache-2.0
"""A mail run without a relay: what the courier does to a bundle, done and undone by itself."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.sync.history import shared_history
from mokanda_firmware.uplink import identity, tls
from mokanda_firmware.uplink.failures import CourierError
from mokanda_wire import formats
from mokanda_wire.bundle import BOARD, Bundle, Report, decode, encode
from mokanda_wire.envelope import Keyring

_log = logging.getLogger(__name__)


def rehearse(store: Store) -> None:
    """Pack and seal a bundle to ourselves, open and unpack it, and prepare a connection.

    It is signed by the key that the relay knows, or by a new one as long as there is none.

    Raises:
        CourierError: something of that does not work.
    """
    try:
        history = shared_history(store)
        now = datetime.now(UTC).replace(microsecond=0)
        said = Bundle("rehearsal", "up", 1, now, (Report({"rehearsal": True}),))
        packed = encode(said, history, bundle_format=formats.FORMAT).data
        with _keys() as (keyring, own):
            opened = keyring.open(keyring.seal(packed, own, own), own)
        if decode(opened, history, BOARD).bundle != said:
            raise ValueError("what was unpacked is not what was packed")
        who = identity.read()
        tls.context(who.place.certificate if who else "")
    except StoreError as error:
        why = Sentence("The device's mail store cannot be used ({why}).", why=str(error))
        raise CourierError(why) from error
    except Exception as error:
        # Whatever it is, no mail run would go well.
        _log.exception("the rehearsal has failed")
        raise CourierError(
            Sentence("It cannot seal mail for the relay ({why}).", why=str(error))
        ) from error


@contextmanager
def _keys() -> Iterator[tuple[Keyring, str]]:
    """Our keys, and the fingerprint of the one to use."""
    who = identity.read()
    if who is not None:
        with Keyring(paths.keys()) as keyring:
            yield keyring, who.outcome.fingerprint
        return
    # The path is kept short: GnuPG's sockets lie in it.
    with (
        tempfile.TemporaryDirectory(prefix="") as home,
        Keyring(Path(home)) as keyring,
    ):
        yield keyring, keyring.create_key("rehearsal")
