# SPDX-License-Identifier: Apache-2.0
"""Whose credit still sends letters, where the keeper lets none leave without.

It holds for what villagers write to the world alone: letters of the village cost nothing, what
comes is never refused, keepers pay for nothing, and an hour that costs nothing needs no credit.
"""

from datetime import datetime

from mokanda_firmware.mailbox.costs import tariff, usage
from mokanda_firmware.mailbox.costs.ledger import Rules
from mokanda_firmware.mailbox.store.database import Store


def affordable(
    store: Store, account: int | None = None, at: datetime | None = None
) -> dict[int, int]:
    """Return how many bytes each villager's credit pays for at a moment, 0 or less for none.

    Of one account, or of all; whom nothing is refused is left out. The moment is now, if no other
    is given.
    """
    with store.reading() as connection:
        rules = Rules.read(connection)
        currency, price = usage.price_at(connection, at)
        if not (rules.on and rules.refuse and currency and price):
            return {}
        rows = connection.execute(
            "SELECT id, (SELECT coalesce(sum(amount), 0) FROM ledger"
            " WHERE ledger.account = account.id AND currency = :currency) AS amount,"
            " (SELECT coalesce(sum(bytes), 0) FROM open_share"
            " WHERE open_share.account = account.id AND currency = :currency) AS open"
            " FROM account WHERE role <> 'keeper' AND coalesce(:account, id) = id",
            {"currency": currency, "account": account},
        )
        return {row["id"]: tariff.payable(row["amount"], price) - row["open"] for row in rows}


def is_used_up(store: Store, account: int, at: datetime | None = None) -> bool:
    """Whether the letters of this villager would wait at a moment until somebody pays in."""
    return affordable(store, account, at).get(account, 1) <= 0
