# SPDX-License-Identifier: Apache-2.0
"""The relay's two listeners and its workers, from start to stop."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator

from cheroot import wsgi

from mokanda_relay.http.admin_app import AdminApp
from mokanda_relay.http.admin_connection import AdminConnection
from mokanda_relay.http.device_api import DeviceApi
from mokanda_relay.http.device_connection import DeviceConnection, LazyTls
from mokanda_relay.operator import housekeeping
from mokanda_relay.relay import Relay
from mokanda_relay.rendering.photos import Preparer
from mokanda_relay.store.settings import Listen
from mokanda_relay.transport.sender import Sender
from mokanda_wire import protocol

_SENDERS = 4
_STOP_WITHIN = 2.0  # seconds

log = logging.getLogger(__name__)


class _Server(wsgi.Server):
    """A listener; what goes wrong in it goes to the log."""

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        # A connection that breaks is what village links do; only what we did wrong is an error.
        broken = isinstance(sys.exception(), ConnectionError | TimeoutError | ssl.SSLError)
        grave = level >= logging.ERROR and not broken
        text = " ".join(msg.split())
        log.log(level if grave else logging.DEBUG, "%s", text, exc_info=grave and traceback)

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
        # It looks whether it should stop every half second, and whenever somebody comes.
        with contextlib.suppress(OSError):
            socket.create_connection(self.bind_addr[:2], timeout=1).close()
        return thread


def _device_server(relay: Relay, listen: Listen) -> _Server:
    server = _Server(
        (listen.host, listen.port),
        DeviceApi(relay).app,
        numthreads=64,  # a device on a slow link holds one while it sends or fetches
        request_queue_size=128,
        timeout=180,  # seconds without a byte: a phone network stalls for minutes
        shutdown_timeout=1,
    )
    server.ConnectionClass = DeviceConnection
    # Beyond this number, ten by default, cheroot closes a connection after each answer.
    server.keep_alive_conn_limit = 100_000
    server.ssl_adapter = LazyTls(relay.certificate, relay.certificate_key)
    server.max_request_body_size = protocol.MAX_BUNDLE
    return server


def _admin_server(relay: Relay, listen: Listen) -> _Server:
    server = _Server(
        (listen.host, listen.port),
        AdminApp(relay).app,
        numthreads=8,
        request_queue_size=128,
        timeout=30,
        shutdown_timeout=1,
    )
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
    workers.append(Preparer(relay, stopping))
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
