# SPDX-License-Identifier: Apache-2.0
"""A villager's mail as one mbox file (RFC 4155), letter by letter, so that it needs no room."""

import re
import time
from collections.abc import Iterator

from mokanda_firmware.mailbox.store import messages
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.message import Message


def mbox(store: Store, account: int) -> Iterator[bytes]:
    """Yield every letter that the account has outside its trash, the oldest first.

    A letter that goes away meanwhile is left out, as are files that are not on the device.
    """
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT DISTINCT message FROM entry WHERE account = ? AND folder <> 'trash'"
            " ORDER BY message",
            (account,),
        ).fetchall()
    for row in rows:
        try:
            with store.reading() as connection:
                message = messages.load(connection, row["message"])
        except KeyError:
            continue
        yield _entry(store, message)


def _entry(store: Store, message: Message) -> bytes:
    # Few ever ask for it, and what it needs of Python's own library every start would wait for.
    from mokanda_wire.compose import compose

    at = time.strftime("%a %b %d %H:%M:%S %Y", message.date.timetuple())
    sender = re.sub(r"\s+", "", message.sender.address) or "unknown"
    contents = {}
    for part in message.attachments:
        path = store.attachments.path(part.digest)
        if path.exists():
            contents[part.digest] = path.read_bytes()
    here = tuple(part for part in message.attachments if part.digest in contents)
    mail = compose(message._replace(attachments=here), contents)
    mail = re.sub(rb"^(>*From )", rb">\1", mail.replace(b"\r\n", b"\n"), flags=re.MULTILINE)
    return f"From {sender} {at}\n".encode() + mail + b"\n"
