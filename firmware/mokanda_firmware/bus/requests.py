# SPDX-License-Identifier: Apache-2.0
"""Requests from one part of the device to another: what the pages have the daemons do.

A request is one packet of JSON on a Unix socket (SOCK_SEQPACKET), its reply another.
"""

import contextlib
import errno
import json
import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mokanda_firmware import paths
from mokanda_firmware.bus.changes import readable
from mokanda_firmware.bus.sentences import Sentence, said_again

_PACKET_BYTES = 65536
_FIRST_INHERITED = 3
# A requester sends right after it connects; one that does not is dropped after this many seconds.
_SEND_TIMEOUT = 5.0


class RequestError(Exception):
    """The daemon refused the request or failed at it; str() is a sentence for people."""


class UnavailableError(RequestError):
    """The daemon is not running, went away or did not answer in time."""


def ask(daemon: str, verb: str, *, timeout: float = 10, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    """Ask `daemon` to do `verb` and return its reply's fields.

    Raises:
        RequestError: the daemon refused or failed; its sentence for people.
        UnavailableError: it is not there, or gave no answer within `timeout` seconds.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(paths.requests(daemon)))
            connection.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode())
            packet = connection.recv(_PACKET_BYTES)
        except TimeoutError as error:
            text = f"The {daemon} service gave no answer within {timeout:g} seconds."
            raise UnavailableError(text) from error
        except OSError as error:
            raise UnavailableError(f"The {daemon} service is not running.") from error
    if not packet:
        raise UnavailableError(f"The {daemon} service stopped before it answered.")
    reply: dict[str, Any] = json.loads(packet)
    if "error" in reply:
        raise RequestError(said_again(reply.get("error_said"), reply["error"]))
    fields: dict[str, Any] = reply["fields"]
    return fields


@dataclass
class Request:
    """One request: answer it once, by `reply` or `fail`."""

    verb: str
    arguments: dict[str, Any]
    _connection: socket.socket = field(repr=False)

    def reply(self, **fields: Any) -> None:  # noqa: ANN401
        """Answer that it is done."""
        self._answer({"fields": fields})

    def fail(self, text: str) -> None:
        """Answer that it cannot be done: a sentence for people."""
        said = {"error_said": text.said} if isinstance(text, Sentence) else {}
        self._answer({"error": text, **said})

    def _answer(self, content: dict[str, Any]) -> None:
        packet = json.dumps(content).encode()
        with self._connection, contextlib.suppress(OSError):  # the requester may have gone
            self._connection.sendall(packet)


class Requests:
    """The end of a daemon that takes requests.

    A daemon that systemd starts at its first request finds the socket open (sd_listen_fds(3)).
    """

    def __init__(self, daemon: str) -> None:
        self._path = paths.requests(daemon)
        self._inherited = os.environ.get("LISTEN_PID") == str(os.getpid())
        if self._inherited:
            self._listener = socket.socket(fileno=_FIRST_INHERITED)
            self._listener.setblocking(False)
            self._listener.set_inheritable(False)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(self._path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            self._listener.bind(str(self._path))
            self._path.chmod(0o660)
            self._listener.listen()
        except OSError:
            self._listener.close()
            raise

    def fileno(self) -> int:
        """Return a descriptor that is readable when a request has come."""
        return self._listener.fileno()

    def receive(self, timeout: float | None) -> Request | None:
        """Return the next request, or None after `timeout` seconds (None: no end)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not readable(self._listener.fileno(), left):
                return None
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:  # the requester has gone, or another thread was faster
                continue
            received = _receive(connection)
            if received is not None:
                return received

    def close(self) -> None:
        """Stop taking requests; at a socket of systemd's they wait for the next start."""
        self._listener.close()
        if not self._inherited:
            self._path.unlink(missing_ok=True)


def _receive(connection: socket.socket) -> Request | None:
    connection.settimeout(_SEND_TIMEOUT)
    try:
        packet = json.loads(connection.recv(_PACKET_BYTES))
        return Request(str(packet["verb"]), dict(packet["arguments"]), connection)
    except (OSError, ValueError, KeyError, TypeError):
        connection.close()
        return None


def _remove_stale(path: Path) -> None:
    """Remove the socket that a killed daemon left; raise OSError when one still listens at it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:  # its queue is full: it lives
            pass
    raise OSError(errno.EADDRINUSE, "another daemon takes requests here already", str(path))
