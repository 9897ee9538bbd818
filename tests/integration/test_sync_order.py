# SPDX-License-Identifier: Apache-2.0
"""What goes is sealed before the relay is called: it hangs up on who is slow to speak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.courier import up
from mokanda_firmware.uplink import interface, link, reach
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import CutError, LinkError
from tests.budgets import send_down
from tests.relay_served import Served
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


@pytest.fixture
def steps(village: Village, monkeypatch: pytest.MonkeyPatch) -> list[str]:  # noqa: ARG001 - at rest
    """What the courier does from now on, in order."""
    done: list[str] = []

    def note(owner: object, name: str, step: str) -> None:
        before = getattr(owner, name)

        def noting(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as it is
            done.append(step)
            return before(*arguments, **named)

        monkeypatch.setattr(owner, name, noting)

    note(up, "_seal", "seal")
    note(reach, "connect", "connect")
    return done


def test_by_a_network_that_is_there(
    village: Village, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface, "has_default_route", lambda: True)
    village.write("Mbote")
    village.sync()
    assert steps == ["seal", "connect"]


def test_by_a_modem_once_it_has_dialled(
    village: Village, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = Connection.connect

    def by_modem_alone(self: Connection, interface: str | None = None) -> None:
        if interface is None:
            raise LinkError(Sentence("There is no network."))
        connect(self)

    def ask(_service: str, request: str, **_: Any) -> dict[str, str]:  # noqa: ANN401
        steps.append(f"{request} the modem")
        return {"interface": "ppp0"}

    @contextmanager
    def held(service: str, request: str, **_: Any) -> Iterator[dict[str, str]]:  # noqa: ANN401
        yield ask(service, request)

    monkeypatch.setattr(interface, "has_default_route", lambda: False)
    monkeypatch.setattr(Connection, "connect", by_modem_alone)
    monkeypatch.setattr(link, "ask", ask)
    monkeypatch.setattr(link, "held", held)
    village.write("Mbote")
    assert village.sync().sent == 1
    assert steps == ["connect the modem", "seal", "connect", "disconnect the modem"]


def test_after_a_cut(
    village: Village, served: Served, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = Connection.fetch

    def cut_once(*_: object) -> None:
        monkeypatch.setattr(Connection, "fetch", fetch)
        village.write("written meanwhile")
        raise CutError(Sentence("The connection broke."))

    monkeypatch.setattr(Connection, "fetch", cut_once)
    send_down(served, "Hello")
    record = village.sync()
    assert (record.sent, record.received) == (1, 1)
    assert steps == ["connect", "seal", "connect"]
