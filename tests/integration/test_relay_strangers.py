# SPDX-License-Identifier: Apache-2.0
"""Who calls at the devices' listener without being one, and what devices notice of it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from mokanda_relay.operator import claims
from mokanda_relay.store.tables import Alert
from mokanda_wire import protocol
from mokanda_wire.envelope import MAX_SIGNED
from mokanda_wire.http_server import Server
from tests.relay_device import RefusedByRelay
from tests.relay_served import Served

pytest_plugins = ("tests.relay_fixtures",)


def test_beginnings_of_handshakes_keep_no_device_waiting(served: Served) -> None:
    relay = urlsplit(served.device_url)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            caller = socket.create_connection(
                (relay.hostname, relay.port), source_address=("127.0.0.2", 0)
            )
            stack.enter_context(caller).sendall(b"\x16")
        device = served.claimed_device()
        device.sync()


def call_as(served: Served, name: str, body: bytes) -> int:
    """Say a hello that claims to be a device's."""
    relay = urlsplit(served.device_url)
    connection = http.client.HTTPSConnection(
        relay.hostname or "",
        relay.port,
        timeout=60,
        source_address=("127.0.0.2", 0),
        context=ssl._create_unverified_context(),
    )
    with contextlib.closing(connection):
        connection.request("POST", protocol.HELLO, body, {protocol.DEVICE_HEADER: name})
        return connection.getresponse().status


def test_who_calls_as_a_device_is_told_once_and_has_to_wait_and_the_device_has_not(
    served: Served,
) -> None:
    device = served.claimed_device()
    signed = served.relay.keyring.sign(b"not its key", served.relay.fingerprint)
    statuses = [call_as(served, "kitenge", signed) for _ in range(claims.MAX_TRIES + 1)]
    assert statuses == [403] * claims.MAX_TRIES + [429]
    with served.relay.database.reading() as session:
        told = session.scalars(sa.select(Alert.text).where(Alert.kind == "hello")).all()
    assert told == ["somebody who does not have its key calls as kitenge"]
    device.sync()


def test_a_long_hello_is_not_read(served: Served) -> None:
    assert call_as(served, "kitenge", bytes(MAX_SIGNED + 1)) == 400


def test_a_relay_that_is_full_says_when_to_come_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = served.claimed_device()
    monkeypatch.setattr(Server, "at_work", lambda _: 64)
    with pytest.raises(RefusedByRelay) as refused:
        device.sync()
    assert refused.value.status == 503
    assert refused.value.reason == protocol.TRY_LATER
    assert 5 <= (refused.value.refusal.minutes or 0) < 30
