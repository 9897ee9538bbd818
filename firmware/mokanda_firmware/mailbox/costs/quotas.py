# SPDX-License-Identifier: Apache-2.0
"""Quotas: how much of the card each villager may fill.

Letters that arrive always find room, as the world cannot be told to wait; what one writes does not
take more files than there is room for.
"""

from typing import NamedTuple

from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import setting

SETTING = "quota"
# Of everybody, until the keeper says otherwise; 0 is no end.
DEFAULT = 200_000_000


class QuotaUsage(NamedTuple):
    """What an account has used, and may use; bytes, `quota` is 0 when there is no end."""

    used: int
    quota: int

    @property
    def left(self) -> int | None:
        """Bytes that are left, None when there is no end."""
        return max(0, self.quota - self.used) if self.quota else None


def usage_of(store: Store, account: int) -> QuotaUsage:
    """Return how much of its quota an account uses."""
    default = default_quota(store)
    with store.reading() as connection:
        row = connection.execute(
            "SELECT quota, (SELECT coalesce(sum(size), 0) FROM entry"
            " JOIN message ON message.id = entry.message WHERE entry.account = account.id)"
            " + (SELECT coalesce(sum(size), 0) FROM draft"
            " JOIN draft_attachment ON draft = draft.id WHERE draft.account = account.id) AS used"
            " FROM account WHERE id = ?",
            (account,),
        ).fetchone()
    return QuotaUsage(row["used"], default if row["quota"] is None else row["quota"])


def default_quota(store: Store) -> int:
    """Return the quota of those who have none of their own, 0 when there is no end."""
    return int(setting(store, SETTING, DEFAULT))
