# SPDX-License-Identifier: Apache-2.0
"""Mails as a village reads them: parsed, their HTML made text, their files as the policy has it.

That takes most of the time of planning a bundle, and a bundle is planned several times over
where it has to keep to a budget. So each mail is rendered once, and kept by its digest.
"""

from __future__ import annotations

import datetime as dt

from mokanda_relay.relay import Relay
from mokanda_relay.rendering.attachment_policy import (
    Rendered,
    apply_policy,
    without_html_and_signatures,
)
from mokanda_relay.rendering.html_to_text import read_html
from mokanda_relay.rendering.long_text import shorten
from mokanda_relay.store.tables import Device
from mokanda_wire.message import Attachment, Message, parse

MAX_KEPT = 32 * 1024 * 1024  # bytes of rendered mail, of one bundle that is planned


class RenderedMails:
    """The mails of one device's next bundle; those used last are kept, up to `MAX_KEPT`."""

    def __init__(self, relay: Relay, device: Device) -> None:
        self._relay = relay
        self._device = device
        self._kept: dict[tuple[str, dt.datetime], Rendered] = {}  # used last: at the end
        self._size = 0

    def get(self, digest: str, received: dt.datetime) -> Rendered:
        """The mail of this digest; `received` dates one that has no date.

        Raises:
            BlobNotFoundError: its original is not there.
        """
        name = (digest, received)
        rendered = self._kept.pop(name, None)
        if rendered is None:
            raw = self._relay.originals.read(digest)
            message, contents = without_html_and_signatures(*parse(raw, received, read_html))
            rendered = apply_policy(self._device, shorten(message)[0], contents)
            self._size += rendered.size
        self._kept[name] = rendered
        while self._size > MAX_KEPT and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            self._size -= self._kept.pop(oldest).size
        return rendered

    def get_as_attachment(self, digest: str, received: dt.datetime) -> Rendered:
        """The same of a mail that is too much for a bundle's format: it travels whole, as a file.

        Raises:
            BlobNotFoundError: its original is not there.
        """
        message = self.get(digest, received).message
        raw = self._relay.originals.read(digest)
        whole = Message(
            message_id=message.message_id,
            date=message.date,
            sender=message.sender,
            to=(),
            cc=(),
            subject=message.subject[:500],
            text="",
            attachments=(Attachment("message.eml", "message/rfc822", digest, len(raw)),),
        )
        return apply_policy(self._device, whole, {digest: raw})
