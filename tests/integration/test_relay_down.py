# SPDX-License-Identifier: Apache-2.0
"""A night with more mail than there is room for: how often the relay reads what."""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Callable

import pytest

from mokanda_relay.rendering import readings, rendered_mails
from mokanda_relay.sync.down import freeze, packed
from tests.relay_served import Served

pytest_plugins = ("tests.relay_fixtures",)
ROOM = 6_000
AMINA = "amina@kitenge.example"


def counting(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, key: Callable[..., object]
) -> Counter[object]:
    """Count how often a function is called, by a key of its arguments."""
    calls: Counter[object] = Counter()
    function = getattr(module, name)

    def counted(*arguments: object) -> object:
        calls[key(*arguments)] += 1
        return function(*arguments)

    monkeypatch.setattr(module, name, counted)
    return calls


@pytest.fixture
def night(served: Served) -> Served:
    """Mail that no model foresees, ten times as much as there is room for."""
    served.claimed_device()
    for number in range(30):
        text = base64.b64encode(random.Random(number).randbytes(2_000)).decode()
        served.world.write("ada@example.org", [AMINA], f"Mail {number}", text)
    return served


def test_a_mail_is_read_once_however_many_plans_it_is_in(
    night: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.wait_until_prepared()
    reads = counting(monkeypatch, readings, "find", lambda _, digest: digest)
    tries = counting(monkeypatch, packed, "draft", lambda *_: None)
    assert freeze.offer(night.relay, 1, ROOM) is not None
    assert tries.total() >= 3
    assert len(reads) == 30
    assert set(reads.values()) == {1}


def test_what_is_kept_of_mails_that_were_read_has_a_bound(
    night: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.wait_until_prepared()
    monkeypatch.setattr(rendered_mails, "MAX_KEPT", 3)
    reads = counting(monkeypatch, readings, "find", lambda _, digest: digest)
    assert freeze.offer(night.relay, 1, ROOM) is not None
    assert max(reads.values()) > 1
