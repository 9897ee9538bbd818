# SPDX-License-Identifier: Apache-2.0
"""The mails of an up bundle as MIME, kept before the bundle is applied."""

from __future__ import annotations

import logging

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files
from mokanda_relay.store.tables import Device
from mokanda_wire import bundle as wire
from mokanda_wire.message import compose

Originals = dict[int, tuple[str, int]]  # by a mail's place among the items: digest, size in bytes

log = logging.getLogger(__name__)


class ContentUnknownError(Exception):
    """A mail has a file that is neither in its bundle nor here."""


def keep_originals(relay: Relay, device: Device, bundle: wire.Bundle) -> Originals:
    """Keep each mail as MIME among the originals.

    A mail of which no MIME can be made is missing, and holds up no other.

    Raises:
        ContentUnknownError: a mail has a file that is neither here nor in the bundle.
    """
    kept: Originals = {}
    for place, item in enumerate(bundle.items):
        if isinstance(item, wire.Mail):
            files = _files(relay, device, bundle, item)
            try:
                raw = compose(item.message, files)
            except Exception:
                log.exception("no MIME can be made of a mail")
                continue
            kept[place] = relay.originals.write_by_digest([raw])
    return kept


def _files(relay: Relay, device: Device, bundle: wire.Bundle, mail: wire.Mail) -> dict[str, bytes]:
    """The contents in the bundle, and of those that the mail only names."""
    files = dict(bundle.contents)
    with relay.database.reading() as session:
        for part in mail.message.attachments:
            if part.digest not in files:
                here = device_files.fetch(relay, session, device.id, part.digest)
                if here is None:
                    raise ContentUnknownError(
                        f"The content of {part.name!r} is neither here nor in the bundle."
                    )
                files[part.digest] = here
    return files
