# SPDX-License-Identifier: Apache-2.0
"""What of the answers to requests goes within a day's budget."""

from __future__ import annotations

from mokanda_relay.store.tables import ContentRequest
from mokanda_relay.sync.budgets import Budget
from mokanda_wire.limits import SEAL


def request(number: int, villager: str = "amina") -> ContentRequest:
    return ContentRequest(id=number, device_id=1, kind="file", name=str(number), villager=villager)


def test_without_a_budget_all_that_is_asked_for_goes() -> None:
    assert Budget().requests_over([(request(1), 10**9)], 0) == set()


def test_what_does_not_fit_beside_the_mail_waits() -> None:
    answers = [(request(1), 3000), (request(2), 9000), (request(3), 2000)]
    assert Budget(SEAL + 10_000).requests_over(answers, 5000) == {2}


def test_a_villager_pays_for_what_they_asked_for() -> None:
    answers = [
        (request(1), 3000),
        (request(2), 3000),
        (request(3, "bako"), 3000),
        (request(4, ""), 3000),
    ]
    assert Budget(100_000, {"amina": 4000, "bako": 0}).requests_over(answers, 0) == {2, 3}
