# SPDX-License-Identifier: Apache-2.0
"""What the data partition holds, and when housekeeping will make room on it."""

import os
from contextlib import suppress
from typing import NamedTuple

from mokanda_firmware.mailbox.administration.housekeeping import TRASH_SECONDS
from mokanda_firmware.mailbox.store.attachments import RESERVE_BYTES
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.named_files import named_files


class Storage(NamedTuple):
    """Bytes of the partition, and of what takes them; all files are counted once.

    `letters` is the database. `trash` is what all villagers have thrown away: the first of it
    goes for good at `trash_goes`, in seconds since 1970, None when there is nothing.
    """

    whole: int
    free: int
    letters: int
    photos: int
    files: int
    trash: int
    trash_goes: int | None

    @property
    def used(self) -> int:
        """What is not free."""
        return self.whole - self.free

    @property
    def rest(self) -> int:
        """Keys, logs, updates, and what the file system needs for itself."""
        return max(0, self.used - self.letters - self.photos - self.files)

    @property
    def is_short(self) -> bool:
        """Whether it is nearly full: a twentieth is left, or little more than mail can have."""
        return self.free < max(self.whole // 20, 2 * RESERVE_BYTES)


def measure(store: Store) -> Storage:
    """Look at the partition that the store is on."""
    state = os.statvfs(store.path.parent)
    sizes = {"photos": 0, "files": 0}
    with store.reading() as connection:
        for digest, is_photo in named_files(connection).items():
            with suppress(FileNotFoundError):
                size = store.attachments.path(digest).stat().st_size
                sizes["photos" if is_photo else "files"] += size
        trash = connection.execute(
            "SELECT coalesce(sum(size), 0) AS size, min(trashed) AS first FROM entry"
            " JOIN message ON message.id = entry.message WHERE folder = 'trash'"
        ).fetchone()
    return Storage(
        whole=state.f_blocks * state.f_frsize,
        free=state.f_bavail * state.f_frsize,
        letters=sum(path.stat().st_size for path in store.path.parent.glob(f"{store.path.name}*")),
        **sizes,
        trash=trash["size"],
        trash_goes=None if trash["first"] is None else trash["first"] + TRASH_SECONDS,
    )
