# SPDX-License-Identifier: Apache-2.0
"""The relay's two listeners and its workers, from start to stop."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator

from mokanda_relay.http.admin_app import AdminApp
from mokanda_relay.http.admin_connection import AdminConnection
from mokanda_relay.http.device_api import DeviceApi
from mokanda_relay.http.device_connection import DeviceConnection, LazyTls
from mokanda_relay.operator import housekeeping
from mokanda_relay.relay import Relay
from mokanda_relay.rendering.preparing import Preparer
from mokanda_relay.store.settings import Listen
from mokanda_relay.sync.unsubscribing import Unsubscriber
from mokanda_relay.transport.sender import Sender
from mokanda_wire import protocol
from mokanda_wire.http_reception import Limits
from mokanda_wire.http_server import Server

_SENDERS = 4
_STOP_WITHIN = 2.0  # seconds

log = logging.getLogger(__name__)

# A device on a slow link holds a worker while it sends or fetches, and a phone network stalls for
# minutes. Many villages may come from one address, that of their network.
_DEVICES = Limits(
    workers=64,
    workers_per_address=48,
    connections=600,
    per_address=200,
    idle=180,
    silence=180,
    grace=180,
)
_KEPT_FREE = 8  # workers, for sessions that are under way
# Behind a proxy, all come from one.
_OPERATOR = Limits(
    workers=8,
    workers_per_address=8,
    connections=128,
    per_address=100,
    idle=30,
    silence=30,
    grace=30,
)


class _Server(Server):
    """A listener of the relay's."""

    shutdown_timeout = 1

    def prepare(self) -> None:
        """Listen. What comes is acknowledged with the answer, where that comes at once."""
        super().prepare()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)

    def begin(self) -> str:
        """Listen, serve in a thread, and return the address."""
        self.prepare()
        threading.Thread(target=self.serve, daemon=True).start()
        host, port = self.bind_addr[:2]
        return f"{host}:{port}"

    def end(self) -> threading.Thread:
        """Stop in a thread, and return it."""
        thread = threading.Thread(target=self.stop, daemon=True)
        thread.start()
        return thread


def _device_server(relay: Relay, listen: Listen) -> _Server:
    api = DeviceApi(relay, lambda: server.at_work() > _DEVICES.workers - _KEPT_FREE)
    server = _Server((listen.host, listen.port), api.app, _DEVICES)
    server.ConnectionClass = DeviceConnection
    server.ssl_adapter = LazyTls(relay.certificate, relay.certificate_key)
    server.max_request_body_size = protocol.MAX_BUNDLE
    return server


def _admin_server(relay: Relay, listen: Listen) -> _Server:
    server = _Server((listen.host, listen.port), AdminApp(relay).app, _OPERATOR)
    server.ConnectionClass = AdminConnection
    return server


@contextlib.contextmanager
def running(relay: Relay, listen: Listen, operator: Listen) -> Iterator[tuple[str, str]]:
    """Serve within the block; yields the addresses of the device API and the admin app.

    Raises:
        SettingsError: a setting of a webhook's makes no sense.
        OSError: an address cannot be listened on.
    """
    servers = (_device_server(relay, listen), _admin_server(relay, operator))
    stopping = threading.Event()
    workers = [threading.Thread(target=_keep_house, args=(relay, stopping), daemon=True)]
    workers += [Preparer(relay, stopping), Unsubscriber(relay, stopping)]
    if not relay.transport.missing_setting:
        workers += [
            Sender(relay.database, relay.originals, relay.transport, relay.outbox_bell, stopping)
            for _ in range(_SENDERS)
        ]
    addresses = (servers[0].begin(), servers[1].begin())
    for worker in workers:
        worker.start()
    try:
        with relay.inbound.listening():
            yield addresses
    finally:
        stopping.set()
        relay.outbox_bell.ring()
        relay.incoming_bell.ring()
        stops = [server.end() for server in servers]
        deadline = time.monotonic() + _STOP_WITHIN
        for thread in (*stops, *workers):
            thread.join(max(deadline - time.monotonic(), 0))


def _keep_house(relay: Relay, stopping: threading.Event) -> None:
    housekeeper = housekeeping.Housekeeper(relay)
    while True:
        try:
            housekeeper.tidy()
        except Exception:
            log.exception("housekeeping failed")
        if stopping.wait(housekeeping.INTERVAL):
            return
