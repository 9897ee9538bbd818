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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.bus.waiting import readable

_MAX_BYTES = 65536  # of a request or a reply
_FIRST_INHERITED = 3
_PING = "ping"  # which every daemon answers
# A requester sends right after it connects; one that does not is dropped after this many seconds.
_SEND_TIMEOUT = 5.0

_NO_ANSWER = Sentence("This part of the device does not answer now. Please try again in a minute.")
_NOT_UNDERSTOOD = Sentence("This part of the device does not understand what it was asked.")


class RequestError(SentenceError):
    """The daemon refused the request or failed at it."""


class UnavailableError(RequestError):
    """The daemon is not running, went away or did not answer in time; str() tells the log which."""

    def __init__(self, problem: str) -> None:
        super().__init__(_NO_ANSWER)
        self.args = (problem,)


def ask(daemon: str, verb: str, *, timeout: float = 10, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    """Ask `daemon` to do `verb` and return its reply's fields.

    Raises:
        RequestError: the daemon refused or failed.
        UnavailableError: it is not there, or gave no answer within `timeout` seconds.
    """
    with held(daemon, verb, timeout=timeout, **arguments) as fields:
        return fields


def ping(daemon: str, *, timeout: float) -> None:
    """Have `daemon` say that it is there; systemd starts one that is not.

    Raises:
        RequestError: it does not.
    """
    ask(daemon, _PING, timeout=timeout)


@contextlib.contextmanager
def held(
    daemon: str,
    verb: str,
    *,
    timeout: float,
    **arguments: Any,  # noqa: ANN401
) -> Iterator[dict[str, Any]]:
    """Ask as `ask` does, and stay connected to the daemon in the block: it can tell that we end."""
    packet = json.dumps({"verb": verb, "arguments": arguments}).encode()
    if len(packet) > _MAX_BYTES:
        raise RequestError(_NOT_UNDERSTOOD)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(paths.requests(daemon)))
            connection.sendall(packet)
            answer = connection.recv(_MAX_BYTES)
        except TimeoutError as error:
            raise UnavailableError(f"{daemon} gave no answer within {timeout:g} seconds") from error
        except OSError as error:
            raise UnavailableError(f"{daemon} is not running") from error
        yield _fields(daemon, answer)


def _fields(daemon: str, answer: bytes) -> dict[str, Any]:
    """Return what a daemon has answered; raises as `ask` does."""
    if not answer:
        raise UnavailableError(f"{daemon} stopped before it answered")
    try:
        reply: dict[str, Any] = json.loads(answer)
        if "error" not in reply:
            fields: dict[str, Any] = reply["fields"]
            return fields
    except (ValueError, KeyError, TypeError) as error:
        raise UnavailableError(f"the answer of {daemon} cannot be read") from error
    raise RequestError(Sentence.from_json(reply["error"]) or _NOT_UNDERSTOOD)


@dataclass
class Request:
    """One request: answer it once, by `reply` or `fail`."""

    verb: str
    arguments: dict[str, Any]
    _connection: socket.socket = field(repr=False)

    def text(self, name: str, max_length: int) -> str:
        """Return an argument that is a text of at most so many characters; "" if it is not there.

        Raises:
            RequestError: it is something else.
        """
        value = self.arguments.get(name, "")
        if not isinstance(value, str) or len(value) > max_length:
            raise RequestError(_NOT_UNDERSTOOD)
        return value

    def count(self, name: str) -> int:
        """Return an argument that is a number, not below 0; raises RequestError if it is none."""
        value = self.arguments.get(name)
        if type(value) is not int or not 0 <= value < 1 << 63:
            raise RequestError(_NOT_UNDERSTOOD)
        return value

    def flag(self, name: str) -> bool:
        """Return an argument that is true or false, which it is if it is not there.

        Raises:
            RequestError: it is something else.
        """
        value = self.arguments.get(name, False)
        if not isinstance(value, bool):
            raise RequestError(_NOT_UNDERSTOOD)
        return value

    def carry_out(self, verbs: "Mapping[str, Callable[[Request], None]]") -> None:
        """Call what stands for the verb; it answers, now or later, or raises SentenceError."""
        try:
            if self.verb == _PING:
                self.reply()
                return
            if self.verb not in verbs:
                raise RequestError(_NOT_UNDERSTOOD)
            verbs[self.verb](self)
        except SentenceError as error:
            self.fail(error.sentence)

    def fileno(self) -> int:
        """Return a descriptor that is readable once the request is abandoned."""
        return self._connection.fileno()

    def is_abandoned(self) -> bool:
        """Whether the requester has gone: nobody waits for the answer, or holds what it got.

        One that says something more is not to be trusted, and has gone, too.
        """
        return readable(self._connection.fileno(), 0)

    def drop(self) -> None:
        """Be done with it, without an answer or after `reply_and_stay`."""
        self._connection.close()

    def reply_and_stay(self, **fields: Any) -> None:  # noqa: ANN401
        """Answer that it is done, and stay connected to the requester until `drop`."""
        _send(self._connection, {"fields": fields})

    def reply(self, **fields: Any) -> None:  # noqa: ANN401
        """Answer that it is done."""
        _answer(self._connection, {"fields": fields})

    def fail(self, sentence: Sentence) -> None:
        """Answer that it cannot be done, and why."""
        _answer(self._connection, {"error": sentence.to_json()})


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
    """Read a request; what is none is refused."""
    connection.settimeout(_SEND_TIMEOUT)
    try:
        packet, _, flags, _ = connection.recvmsg(_MAX_BYTES)
        content = json.loads(packet)
        verb, arguments = content["verb"], content["arguments"]
        if flags & socket.MSG_TRUNC or type(verb) is not str or type(arguments) is not dict:
            raise ValueError("not a request")
    except OSError:
        connection.close()
    except (ValueError, KeyError, TypeError, RecursionError):
        _answer(connection, {"error": _NOT_UNDERSTOOD.to_json()})
    else:
        return Request(verb, arguments, connection)
    return None


def _answer(connection: socket.socket, content: dict[str, Any]) -> None:
    with connection:
        _send(connection, content)


def _send(connection: socket.socket, content: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the requester may have gone
        connection.sendall(json.dumps(content).encode())


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
