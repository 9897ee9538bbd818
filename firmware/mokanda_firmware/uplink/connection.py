# SPDX-License-Identifier: Apache-2.0
"""The connection to the relay: one, kept alive, with a time limit on every wait."""

import contextlib
import http.client
import logging
import os
import socket
import ssl
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar
from urllib.parse import urlsplit

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.uplink import addresses, reach, tls
from mokanda_firmware.uplink.failures import (
    CutError,
    LinkError,
    NotOurRelayError,
    RefusedError,
    is_full,
)
from mokanda_firmware.uplink.meter import Meter
from mokanda_firmware.uplink.places import Place
from mokanda_firmware.uplink.watched import WatchedSocket
from mokanda_wire import protocol
from mokanda_wire.protocol import ProtocolError, Receipt, Refusal, Sealed

CONNECT_SECONDS = 20.0
SILENCE_SECONDS = 90.0  # a mobile network may hold back what it has for a minute
CHUNK = 4096  # bytes; the kernel holds no more unsent, so that progress is true

_TCP_NOTSENT_LOWAT = 25  # of linux/tcp.h, as are the two offsets into struct tcp_info
_BYTES_RECEIVED, _BYTES_SENT = 128, 200
_BY_RESET = struct.pack("ii", 1, 0)  # of SO_LINGER

log = logging.getLogger(__name__)

T = TypeVar("T")
Progress = Callable[[int], None]  # called with how many bytes of a bundle have gone through


@dataclass(frozen=True, slots=True)
class Held:
    """How many bytes of which down bundle this device holds; nothing by default.

    `room` is how many more it may fetch today; None is no limit.
    """

    sequence: int = 0
    size: int = 0
    room: int | None = None

    def __str__(self) -> str:
        held = f"held={self.sequence}-{self.size}" if self.sequence else "held"
        return held if self.room is None else f"{held}&room={self.room}"


class _Http(http.client.HTTPConnection):
    """HTTP whose requests leave in as few TLS records as they can: headers with their body.

    A relay whose certificate is pinned is `alone` behind it, and not told its name. Before the
    socket is closed, by whomever, `ending` is called. Where the last request was answered, closing
    takes one packet, a reset: nothing that was sent can get lost by it.
    """

    def __init__(self, host: str, port: int, ending: Callable[[], None], *, alone: bool) -> None:
        super().__init__(host, port)
        self.auto_open = 0
        self._held = b""
        self._is_answered = False
        self._ending = ending
        self._alone = alone

    def close(self) -> None:
        """Close the connection; http.client does it, too, when it breaks."""
        self._ending()
        if self._is_answered and isinstance(self.sock, socket.socket):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BY_RESET)
        self._is_answered = False
        super().close()

    def begin(self, method: str, path: str) -> None:
        """Begin a request, without headers that say nothing."""
        self.putrequest(method, path, skip_host=self._alone, skip_accept_encoding=True)
        if self._alone:
            self.putheader("Host", "")

    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client's; here it is bytes
        """Hold this back for `flush`."""
        self._held += data

    def flush(self) -> None:
        """Send what was held back."""
        held, self._held = self._held, b""
        self._is_answered = False
        super().send(held)

    def getresponse(self) -> http.client.HTTPResponse:
        """Return the answer, once it has begun."""
        response = super().getresponse()
        self._is_answered = self.sock is not None
        return response


class Connection:
    """An HTTPS connection to the relay, at one of some places, once `connect` has made it.

    Every method that talks raises CutError when the connection breaks or falls silent, and
    RefusedError when the relay refuses.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        """`places` are those where the relay may be, one at least, in the order in which to try."""
        self._places = places
        self._left = list(places)  # behind the present one
        self._interface: str | None = None
        self._following: http.client.HTTPResponse | None = None
        self._counted = (0, 0)  # before the present socket, or the present link
        self._meter: Meter | None = None
        self._address = ""  # that was connected to last
        self._began = (0, 0)  # the last upload: its sequence, and from which byte on
        self.place = self._left.pop(0)
        self._aim()

    def _aim(self) -> None:
        """Be about to connect to another place."""
        place = self.place
        url = urlsplit(place.relay)
        self._host, self._port = url.hostname or "", url.port or 443
        self._certificate = (
            ssl.PEM_cert_to_DER_cert(place.certificate) if place.certificate else None
        )
        self._context = tls.context(place.certificate)
        self._http = _Http(
            self._host, self._port, self._remember, alone=self._certificate is not None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self, interface: str | None = None) -> None:
        """Connect by the default route, or by this network interface, to the first place that is.

        Raises:
            LinkError: the relay cannot be reached this way.
            NotOurRelayError: somebody else answers.
        """
        self.close()
        self._counted = self.traffic()
        self._interface = interface
        self._meter = Meter(interface) if interface else None
        self._left = list(self._places)
        self.go_on()

    @property
    def host(self) -> str:
        """The name or address of the place that was tried last."""
        return self._host

    @property
    def has_more(self) -> bool:
        """Whether there is a place behind the present one."""
        return bool(self._left)

    def go_on(self) -> None:
        """Connect to the next place that there is behind the present one, the same way.

        Raises:
            LinkError, NotOurRelayError: why it is not the first of them; so it was with all.
        """
        problem: LinkError | NotOurRelayError | None = None
        while self._left:
            place = self._left.pop(0)
            if place != self.place:
                self.close()
                self.place = place
                self._aim()
            try:
                self.reconnect()
            except (LinkError, NotOurRelayError) as error:
                log.info("not at %s: %s", self.place.relay, error)
                problem = problem or error
            else:
                return
        assert problem is not None
        raise problem

    def reconnect(self) -> None:
        """Connect again to the same place, the same way.

        Raises:
            LinkError: the relay cannot be reached this way.
            NotOurRelayError: somebody else answers.
        """
        self.close()
        if self._certificate and (last := addresses.last_of(self._host)):
            try:
                self._connect_to(last)
            except (LinkError, NotOurRelayError) as error:
                log.info("not at its last address %s: %s", last, error)
            else:
                return
        self._connect_to(self._host)
        if self._certificate:
            addresses.remember(self._host, self._address)

    def _connect_to(self, host: str) -> None:
        """Connect to the relay at `host`: its name, or its address, at which it is not named."""
        try:
            plain = self._reach(host, self._interface)
        except OSError as error:
            raise LinkError(_unreachable(self._host, error)) from error
        try:
            plain.settimeout(SILENCE_SECONDS)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, CHUNK)
            name = self._host if host == self._host else None
            secure = self._http.sock = tls.TlsSocket(plain, self._context, name)
            certificate = secure.shake_hands(SILENCE_SECONDS)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise self._stranger() from error
        except OSError as error:
            plain.close()
            self.close()
            raise LinkError(_unreachable(self._host, error)) from error
        if self._certificate and certificate != self._certificate:
            self.close()
            raise self._stranger()

    def _stranger(self) -> NotOurRelayError:
        return NotOurRelayError(
            Sentence(
                "What answers at {relay} is not this device's relay. If the relay has moved, ask"
                " its operator for a new claim file.",
                relay=self._host,
            )
        )

    def _reach(self, host: str, interface: str | None) -> WatchedSocket:
        plain, self._address = reach.connect(host, self._port, interface, CONNECT_SECONDS)
        return plain

    def close(self) -> None:
        """Close the connection; its bytes stay counted."""
        self._following = None
        self._http.close()

    def _remember(self) -> None:
        """Keep what is to outlive the socket."""
        if self._meter is None:
            self._counted = self.traffic()

    def traffic(self) -> tuple[int, int]:
        """Bytes sent and received so far.

        By an interface of its own all that went through it; by the network that is there anyway,
        what was ours, with TLS and what TCP repeated, without IP's own.
        """
        sent, received = self._counted
        if self._meter is not None:
            up, down = self._meter.passed()
            return sent + up, received + down
        if isinstance(self._http.sock, socket.socket):
            with contextlib.suppress(OSError):
                info = self._http.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                sent += struct.unpack_from("=Q", info, _BYTES_SENT)[0]
                received += struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0]
        return sent, received

    def claim(self, body: bytes) -> bytes:
        """Post a claim, and return the relay's reply."""
        with _cuts():
            self._begin("POST", protocol.CLAIM, body)
            return self._answer().read(protocol.MAX_BODY)

    def fault(self, body: bytes, device: str) -> bytes:
        """Say what keeps this device from a sync, and return the relay's reply."""
        with _cuts():
            self._begin("POST", protocol.FAULT, body, {protocol.DEVICE_HEADER: device})
            return self._answer().read(protocol.MAX_BODY)

    def hello(self, body: bytes, held: Held, device: str = "") -> bytes:
        """Say hello, and return the reply; `device` names us where the hello is signed."""
        headers = {protocol.DEVICE_HEADER: device} if device else {}
        with _cuts():
            self._begin("POST", f"{protocol.HELLO}?{held}", body, headers)
            return self._message()

    def upload(
        self,
        sealed: Sealed,
        content: BinaryIO,
        offset: int,
        token: str,
        held: Held,
        progress: Progress,
        limit: int | None = None,
    ) -> Receipt | None:
        """Send a sealed bundle from `offset` on.

        After `limit` bytes it breaks off and returns None; the connection is of no more use.
        """
        content.seek(offset)
        end = sealed.size if limit is None else min(sealed.size, offset + limit)
        path = protocol.UP.format(sequence=sealed.sequence)
        headers = {protocol.OFFSET_HEADER: str(offset), protocol.TOKEN_HEADER: token}
        with _cuts():
            self._begin("PUT", f"{path}?{held}", sealed.size - offset, headers)
            sequence, earlier = self._began
            self._began = (sealed.sequence, offset)
            start, before = offset, offset - earlier if sequence == sealed.sequence else 0
            while chunk := content.read(
                min(protocol.piece(offset - start, before, after_a_cut=start > 0), end - offset)
            ):
                self._http.send(chunk)
                self._http.flush()
                offset += len(chunk)
                progress(offset)
            self._http.flush()
            if end < sealed.size:
                return None
            return _load(Receipt, self._message())

    def acknowledge(self, sequence: int, token: str, held: Held) -> Receipt:
        """Say that this down bundle, and all before it, are applied."""
        body = protocol.dump(protocol.Ack(sequence))
        with _cuts():
            self._begin("POST", f"{protocol.ACK}?{held}", body, {protocol.TOKEN_HEADER: token})
            return _load(Receipt, self._message())

    def fetch(self, sealed: Sealed, path: Path, token: str, progress: Progress) -> None:
        """Get what is still missing of a sealed bundle into the file `path`.

        Most often it is on its way already, behind the message that named it. What came before
        a cut is on the disk.
        """
        with path.open("ab") as file, _cuts():
            if file.tell() >= sealed.size:
                return
            response, self._following = self._following, None
            if response is None:
                response = self._ask_for(sealed, file, token)
            try:
                while chunk := response.read1(CHUNK):
                    file.write(chunk)
                    progress(file.tell())
            finally:
                response.close()  # read1 does not do it at the end
                file.flush()
                os.fsync(file.fileno())

    def get(self, path: str, offset: int) -> http.client.HTTPResponse:
        """Ask for a file of the relay's, from byte `offset` on; the caller reads the answer."""
        with _cuts():
            self._begin("GET", path, None, {"Range": f"bytes={offset}-"})
            return self._http.getresponse()

    def _ask_for(self, sealed: Sealed, file: BinaryIO, token: str) -> http.client.HTTPResponse:
        headers = {protocol.TOKEN_HEADER: token}
        if file.tell():
            headers |= {
                "Range": f"bytes={file.tell()}-",
                "If-Range": f'"{sealed.sha256.hex()}"',
            }
        self._begin("GET", protocol.DOWN.format(sequence=sealed.sequence), None, headers)
        response = self._answer()
        if response.status == HTTPStatus.OK:
            file.truncate(0)
        return response

    def _begin(
        self,
        method: str,
        path: str,
        body: bytes | int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a request; where only the length of a body is given, the headers wait for it."""
        self._http.begin(method, path)
        for name, value in (headers or {}).items():
            self._http.putheader(name, value)
        if body is not None:
            length = body if isinstance(body, int) else len(body)
            self._http.putheader("Content-Length", str(length))
        self._http.endheaders(body if isinstance(body, bytes) else None)
        if not isinstance(body, int):
            self._http.flush()

    def _answer(self) -> http.client.HTTPResponse:
        response = self._http.getresponse()
        if response.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise self._refusal(response)
        return response

    def _message(self) -> bytes:
        """Read a framed message; what follows it is for `fetch`."""
        response = self._answer()
        size = int.from_bytes(response.read(2), "big")
        message = response.read(size)
        if len(message) < size:
            raise http.client.IncompleteRead(message, size - len(message))
        self._following = None if response.isclosed() else response
        return message

    def _refusal(self, response: http.client.HTTPResponse) -> CutError | RefusedError:
        body = response.read(protocol.MAX_BODY + 1)
        try:
            refusal = protocol.load(Refusal, body)
        except ProtocolError:
            return CutError(
                Sentence("The relay has trouble (HTTP {status}).", status=response.status)
            )
        return RefusedError(
            refusal.reason, refusal.text, counter=refusal.counter, minutes=refusal.minutes
        )


def _load(kind: type[T], body: bytes) -> T:
    try:
        return protocol.load(kind, body)
    except ProtocolError as error:
        raise CutError(
            Sentence("The relay's answer cannot be read ({why}).", why=str(error))
        ) from error


@contextlib.contextmanager
def _cuts() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and is_full(error):
            raise  # what came was to be written
        if isinstance(error, TimeoutError):
            raise CutError(Sentence("The relay fell silent before all was through.")) from error
        raise CutError(
            Sentence("The connection to the relay broke ({why}).", why=_said(error))
        ) from error


def _unreachable(relay: str, error: OSError) -> Sentence:
    if isinstance(error, TimeoutError):
        return Sentence("The relay {relay} does not answer.", relay=relay)
    if isinstance(error, socket.gaierror):
        return Sentence(
            "The relay's name {relay} is not known here, or there is no network.", relay=relay
        )
    return Sentence("The relay {relay} cannot be reached ({why}).", relay=relay, why=_said(error))


def _said(error: Exception) -> str:
    """Return what the system says of an error."""
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
