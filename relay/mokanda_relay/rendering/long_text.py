# SPDX-License-Identifier: Apache-2.0
"""Long texts: their beginning travels, the whole is a file of the mail that can be asked for.

However well a text packs, the device has all of it in memory, and its reader on a phone.
"""

from __future__ import annotations

from mokanda_wire.message import CUT, Attachment, Message, digest_of

MAX_TEXT = 32 * 1024  # bytes in UTF-8 of a mail's text that travel with it
_NAME = "letter.txt"


def shorten(message: Message) -> tuple[Message, bytes]:
    """Keep the beginning of a long text, and name the whole as a file; also returns the whole.

    A text that is short enough stays as it is; then there is no whole, and b"" is returned.
    """
    whole = message.text.encode()
    if len(whole) <= MAX_TEXT:
        return message, b""
    beginning = whole[:MAX_TEXT].decode(errors="ignore")
    last_line = beginning.rpartition("\n")[0]
    if 2 * len(last_line) > len(beginning):
        beginning = last_line
    rest = len(whole) - len(beginning.encode())
    text = f"{beginning}\n[… {max(rest // 1024, 1)} KB: {_NAME}]"
    file = Attachment(_NAME, "text/plain", digest_of(whole), len(whole))
    files = (file, *message.attachments)
    return message._replace(text=text, attachments=files, note=CUT), whole
