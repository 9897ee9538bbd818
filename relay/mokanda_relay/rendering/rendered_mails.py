# SPDX-License-Identifier: Apache-2.0
"""Mails as a village reads them: as they were read, their files as the policy has it.

A bundle is planned several times over where it has to keep to a budget. So each mail is rendered
once, and kept by its digest.
"""

from __future__ import annotations

import datetime as dt

from mokanda_relay.mime.moments import localised
from mokanda_relay.relay import Relay
from mokanda_relay.rendering import readings
from mokanda_relay.rendering.attachment_policy import Rendered, apply_policy
from mokanda_relay.rendering.reading import Place
from mokanda_relay.store.tables import Device
from mokanda_wire.message import Attachment, Message

MAX_KEPT = 2000  # rendered mails of one bundle that is planned; each has a text of 32 KB at most


class RenderedMails:
    """The mails of one device's next bundle; those used last are kept, MAX_KEPT of them."""

    def __init__(self, relay: Relay, device: Device) -> None:
        self._relay = relay
        self._device = device
        self._kept: dict[tuple[str, dt.datetime], Rendered] = {}  # used last: at the end

    def get(self, digest: str, received: dt.datetime) -> Rendered:
        """The mail of this digest; `received` dates one that has no date.

        Raises:
            NotReadyError: it is not read yet.
            BlobNotFoundError: its original is not there.
        """
        name = (digest, received)
        rendered = self._kept.pop(name, None)
        if rendered is None:
            reading = readings.find(self._relay, digest)
            message = reading.dated(received)
            message = message._replace(text=localised(message.text, self._device.zone()))
            rendered = apply_policy(self._device, digest, message, reading.places)
        self._kept[name] = rendered
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        return rendered

    def get_as_attachment(self, digest: str, received: dt.datetime) -> Rendered:
        """The same of a mail that is too much for a bundle's format: it travels whole, as a file.

        Raises:
            NotReadyError: it is not read yet.
            BlobNotFoundError: its original is not there.
        """
        message = self.get(digest, received).message
        size = self._relay.originals.size(digest)
        whole = Message(
            message_id=message.message_id,
            date=message.date,
            sender=message.sender,
            to=(),
            cc=(),
            subject=message.subject[:500],
            text="",
            attachments=(Attachment("message.eml", "message/rfc822", digest, size),),
        )
        return apply_policy(self._device, digest, whole, {digest: Place(0, size, kind="")})
