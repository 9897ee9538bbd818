# SPDX-License-Identifier: Apache-2.0
"""The only channel between the daemons of a device: statuses to read, requests to make.

A status is a small JSON file that its daemon replaces atomically. inotify tells subscribers, so
that nothing polls, a publisher knows nobody, and a restart on either side leaves nothing stale.
A request is one packet of JSON on a Unix socket (SOCK_SEQPACKET), its reply another.
"""

import contextlib
import ctypes
import errno
import json
import os
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence, said_again

_PACKET_BYTES = 65536
_EVENT = struct.Struct("iIII")  # struct inotify_event of inotify(7), followed by the file's name
_MOVED_TO = 0x80
_QUEUE_OVERFLOW = 0x4000
_FIRST_INHERITED = 3
# A requester sends right after it connects; one that does not is dropped after this many seconds.
_PATIENCE = 5.0


class RequestError(Exception):
    """The daemon refused the request or failed at it; str() is a sentence for people."""


class RequestUnavailable(RequestError):  # noqa: N818 - the contract's name
    """The daemon is not running, went away or did not answer in time."""


def publish(name: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Replace the status `name`, stamped `at` (ISO 8601, UTC), and wake subscribers.

    Beside a field that is a `Sentence` stands, under its name and `_said`, of what it is made.
    """
    path = paths.status(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {f"{key}_said": each.said for key, each in fields.items() if isinstance(each, Sentence)}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({"at": at, **fields, **said})
    temporary = path.with_name(f".{name}.{os.getpid()}.{threading.get_ident()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read(name: str) -> dict[str, Any]:
    """Return the status of daemon `name`; {} when it has not published yet."""
    try:
        content = json.loads(paths.status(name).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


class Subscription:
    """Tells which statuses changed since it was made: make it first, then read them."""

    def __init__(self) -> None:
        folder = paths.status("any").parent
        folder.mkdir(parents=True, exist_ok=True)
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        if libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _MOVED_TO) < 0:
            number = ctypes.get_errno()
            self.close()
            raise OSError(number, os.strerror(number), str(folder))
        self._folder = folder

    def fileno(self) -> int:
        """Return a descriptor that is readable when `wait` would return at once."""
        return self._descriptor

    def wait(self, timeout: float | None) -> set[str]:
        """Return the names that changed, after at most `timeout` seconds (None: no end)."""
        if not _readable(self._descriptor, timeout):
            return set()
        try:
            events = os.read(self._descriptor, _PACKET_BYTES)
        except BlockingIOError:  # another thread was faster
            return set()
        names: set[str] = set()
        while events:
            _, mask, _, length = _EVENT.unpack_from(events)
            end = _EVENT.size + length
            file = os.fsdecode(events[_EVENT.size : end].rstrip(b"\0"))
            if mask & _QUEUE_OVERFLOW:
                names |= {path.stem for path in self._folder.glob("*.json")}
            elif file.endswith(".json"):
                names.add(file.removesuffix(".json"))
            events = events[end:]
        return names

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def request(daemon: str, verb: str, *, timeout: float = 10, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    """Ask `daemon` to do `verb` and return its reply's fields.

    Raises:
        RequestError: the daemon refused or failed; its sentence for people.
        RequestUnavailable: it is not there, or gave no answer within `timeout` seconds.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(paths.requests(daemon)))
            connection.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode())
            packet = connection.recv(_PACKET_BYTES)
        except TimeoutError as error:
            text = f"The {daemon} service gave no answer within {timeout:g} seconds."
            raise RequestUnavailable(text) from error
        except OSError as error:
            raise RequestUnavailable(f"The {daemon} service is not running.") from error
    if not packet:
        raise RequestUnavailable(f"The {daemon} service stopped before it answered.")
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
            if not _readable(self._listener.fileno(), left):
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
    connection.settimeout(_PATIENCE)
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


def _readable(descriptor: int, timeout: float | None) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(None if timeout is None else timeout * 1000))
