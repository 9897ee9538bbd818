# SPDX-License-Identifier: Apache-2.0
"""`mokanda-relay serve`: the relay itself."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys

from mokanda_relay.command.common import Commands, data_option
from mokanda_relay.printable import LogFormatter
from mokanda_relay.relay import OPERATOR_PASSWORD_FILE, Relay, open_relay
from mokanda_relay.store.settings import ENVIRONMENT, Settings, parse_listen

log = logging.getLogger("mokanda_relay")


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "serve",
        parents=[data_option()],
        help="run the relay",
        description="Run the relay until SIGTERM or Ctrl-C.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default="0.0.0.0:8443",
        help="where devices connect, by TLS (default: %(default)s)",
    )
    parser.add_argument(
        "--operator",
        metavar="HOST:PORT",
        default="127.0.0.1:8081",
        help="operator page and webhooks, plain HTTP, for loopback or a proxy"
        " (default: %(default)s)",
    )
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from mokanda_relay.http.server import running

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    listen, operator = parse_listen(options.listen), parse_listen(options.operator)
    stop = _signalled(signal.SIGTERM, signal.SIGINT)
    relay = open_relay(settings, begin=True)
    try:
        with running(relay, listen, operator) as (device_address, operator_address):
            log.info("devices: https://%s as %s", device_address, settings.url or "(no public URL)")
            log.info("operator: http://%s/ (%s)", operator_address, _password(relay))
            _warn(relay)
            stop.recv(1)
            log.info("stopping")
    except OSError as error:
        sys.stderr.write(f"mokanda-relay: cannot listen: {error}\n")
        return 1
    finally:
        relay.database.close()
        relay.keyring.close()
    logging.shutdown()
    # A worker that is still in the middle of something would keep the interpreter waiting; what
    # it has not committed is undone, as after a crash.
    os._exit(0)


def _signalled(*numbers: signal.Signals) -> socket.socket:
    """A socket that has something to read once one of these signals has come.

    A handler that sets an Event may wait for ever: for the lock that the main thread holds just as
    it begins to wait for that Event.
    """
    stop, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.detach())
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return stop


def _password(relay: Relay) -> str:
    """Where the operator finds the password of the page."""
    if relay.settings.operator_password:
        return "password: MOKANDA_OPERATOR_PASSWORD"
    return f"password: in {relay.settings.data / OPERATOR_PASSWORD_FILE}"


def _warn(relay: Relay) -> None:
    """Log what is probably not meant to be so."""
    if relay.transport.missing_setting:
        log.warning("mail to the world waits: %s is not set", relay.transport.missing_setting)
    for webhook in relay.webhooks():
        if webhook.missing_setting:
            log.warning("the %s is off: %s is not set", webhook.title, webhook.missing_setting)
