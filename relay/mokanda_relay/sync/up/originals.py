# SPDX-License-Identifier: Apache-2.0
"""The mails of an up bundle as MIME, kept before the bundle is applied."""

from __future__ import annotations

import logging
from functools import partial

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files, readings
from mokanda_relay.rendering.readings import NotReadyError
from mokanda_relay.store.tables import Device
from mokanda_relay.sync.refusals import RefusedError
from mokanda_relay.sync.up import expansion
from mokanda_wire import bundle as wire
from mokanda_wire.compose import compose

Originals = dict[int, tuple[str, int]]  # by a mail's place among the items: digest, size in bytes

_MAX_FETCHED = 32 * 1024 * 1024  # bytes of the files that a mail only names; SendGrid takes less

log = logging.getLogger(__name__)


class ContentUnknownError(Exception):
    """A mail has a file that is neither in its bundle nor here."""


def keep_originals(relay: Relay, device: Device, bundle: wire.Bundle) -> Originals:
    """Keep each mail as MIME among the originals.

    A mail of which no MIME can be made is missing, and holds up no other.

    Raises:
        ContentUnknownError: a mail has a file that is neither here nor in the bundle.
        RefusedError: what its mails name becomes too much today.
        NotReadyError: a file is in a mail that is not read yet.
    """
    kept: Originals = {}
    for place, item in enumerate(bundle.items):
        if isinstance(item, wire.Mail):
            try:
                files = _files(relay, device, bundle, item)
                raw = compose(item.message, files)
            except (ContentUnknownError, NotReadyError, RefusedError):
                raise
            except Exception:
                log.exception("no MIME can be made of a mail")
                continue
            kept[place] = relay.originals.write_by_digest([raw])
    return kept


def _files(relay: Relay, device: Device, bundle: wire.Bundle, mail: wire.Mail) -> dict[str, bytes]:
    """The contents in the bundle, and of those that the mail only names."""

    def fetch(digest: str) -> bytes | None:
        with relay.database.reading() as session:
            return device_files.fetch(relay, session, device.id, digest)

    files, fetched = dict(bundle.contents), 0
    for part in mail.message.attachments:
        if part.digest not in files:
            here = readings.soon(relay, partial(fetch, part.digest))
            if here is None:
                raise ContentUnknownError(
                    f"The content of {part.name!r} is neither here nor in the bundle."
                )
            files[part.digest] = here
            fetched += len(here)
            expansion.spend(relay, device, 0, len(here))
            if fetched > _MAX_FETCHED:
                raise ValueError("it names files that are too large together")
    return files
