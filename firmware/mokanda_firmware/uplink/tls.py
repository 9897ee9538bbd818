# SPDX-License-Identifier: Apache-2.0
"""TLS to the relay in few bytes: a short handshake, whose end leaves with the first request."""

import ssl
import time
from typing import Any

from mokanda_firmware.uplink.watched import WatchedSocket

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL: our clock may be wrong
_TLSEXT_PADDING = 0x10  # SSL_OP_TLSEXT_PADDING of OpenSSL
_PIECE = 16 * 1024  # bytes


def context(certificate: str) -> ssl.SSLContext:
    """How to speak to a relay with the very `certificate` (PEM), or with one that is vouched for.

    What else is offered in the handshake is in `tls.cnf`.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Offering nothing else halves the handshake, and more than that with OpenSSL 3.5, which
    # would send a post-quantum key along; what matters in here is sealed once more.
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.set_ecdh_curve("X25519")
    made.options |= ssl.OP_NO_TICKET  # of TLS 1.2, whose extension would be sent along
    # Room in front of a session's name, for terminators of ten years ago.
    made.options &= ~_TLSEXT_PADDING
    made.verify_flags |= _NO_CHECK_TIME
    if certificate:
        made.check_hostname = False  # the very certificate is known
        made.load_verify_locations(cadata=certificate)
    else:
        made.load_default_certs()
    return made


class TlsSocket(WatchedSocket):
    """A connection by TLS, of which only `sendall`, `recv_into` and files made of it are used.

    `ssl.SSLSocket` would send the end of the handshake in a packet of its own.
    """

    def __init__(self, plain: WatchedSocket, offered: ssl.SSLContext, name: str | None) -> None:
        """Take over a connection, to be one by TLS with `name` once hands are shaken."""
        patience = plain.gettimeout()
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self.take_over(plain)
        self.settimeout(patience)
        self._come, self._go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = offered.wrap_bio(self._come, self._go, server_hostname=name)

    def shake_hands(self, seconds: float) -> bytes:
        """Do the handshake but for its end; return the other end's certificate (DER).

        Raises:
            ssl.SSLCertVerificationError: it is not one that is trusted.
            OSError: there is no TLS, or nothing comes.
        """
        end = time.monotonic() + seconds
        patience = self.gettimeout()
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self.settimeout(max(end - time.monotonic(), 0.001))
                self._fetch()
            else:
                break
        self.settimeout(patience)
        return self._tls.getpeercert(binary_form=True) or b""

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401 - any buffer
        """As of any socket."""
        self._tls.write(data)
        super().sendall(self._go.read(), flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401, ARG002
        """As of any socket; an end without a farewell is one, too: HTTP says what is to come."""
        while True:
            try:
                piece = self._tls.read(nbytes or len(buffer))
            except ssl.SSLWantReadError:
                self._fetch()
            except ssl.SSLEOFError:
                return 0
            else:
                buffer[: len(piece)] = piece
                return len(piece)

    def _fetch(self) -> None:
        """Say what waits to be said, and wait for what comes."""
        if self._go.pending:
            super().sendall(self._go.read())
        piece = self.recv(_PIECE)
        if piece:
            self._come.write(piece)
        else:
            self._come.write_eof()
