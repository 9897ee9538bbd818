# SPDX-License-Identifier: Apache-2.0
"""What of a mail goes to a village: all that its reader needs, and nothing that says it twice.

The original stays here, whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mokanda_wire.message import Message

# Proofs of the sender, over the original's bytes: of no use without those.
_SIGNATURES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}


def slim(message: Message, contents: Mapping[str, bytes]) -> tuple[Message, dict[str, bytes]]:
    """Leave out what the village has no use for; also returns the contents that stay.

    HTML never goes: `text` says the same, a page costs many times as much, and a village that gets
    none cannot be hurt by any.
    """
    kept = tuple(each for each in message.attachments if each.media_type not in _SIGNATURES)
    wanted = {each.digest for each in kept}
    return (
        replace(message, html="", attachments=kept),
        {digest: content for digest, content in contents.items() if digest in wanted},
    )
