# SPDX-License-Identifier: Apache-2.0
"""The network's end of a PPP link: framing, LCP, CHAP and IPCP; bytes in, bytes and packets out.

Only what a USB stick's far end does for `pppd` (RFC 1661, 1662, 1332, 1877, 1994). It never speaks
first but to end the call: each Configure-Request of the caller is answered and, until ours is
agreed, followed by ours. The caller repeats its own every few seconds: no timer is needed here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final

IP: Final = 0x0021
IPCP: Final = 0x8021
LCP: Final = 0xC021
CHAP: Final = 0xC223

CONFIGURE_REQUEST, CONFIGURE_ACK, CONFIGURE_NAK, CONFIGURE_REJECT = 1, 2, 3, 4
TERMINATE_REQUEST, TERMINATE_ACK, CODE_REJECT, PROTOCOL_REJECT = 5, 6, 7, 8
ECHO_REQUEST, ECHO_REPLY = 9, 10
CHALLENGE, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4

LCP_MRU, LCP_ASYNC_MAP, LCP_AUTHENTICATION, LCP_MAGIC = 1, 2, 3, 5
IPCP_ADDRESS, IPCP_DNS_1, IPCP_DNS_2 = 3, 129, 131
CHAP_MD5: Final = CHAP.to_bytes(2, "big") + b"\x05"

FLAG, ESCAPE, TOGGLE = 0x7E, 0x7D, 0x20
MAX_FRAME: Final = 4096


def _fcs_table() -> Iterator[int]:
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ 0x8408 if value & 1 else value >> 1
        yield value


_FCS_TABLE: Final = tuple(_fcs_table())
GOOD_FCS: Final = 0xF0B8


def fcs16(data: bytes) -> int:
    """The running frame check sequence over `data`; `GOOD_FCS` over a frame with its own check."""
    value = 0xFFFF
    for byte in data:
        value = (value >> 8) ^ _FCS_TABLE[(value ^ byte) & 0xFF]
    return value


def frame(protocol: int, payload: bytes) -> bytes:
    """One HDLC-like frame, every control character escaped as any caller understands it."""
    content = b"\xff\x03" + protocol.to_bytes(2, "big") + payload
    content += (fcs16(content) ^ 0xFFFF).to_bytes(2, "little")
    escaped = bytearray([FLAG])
    for byte in content:
        if byte < TOGGLE or byte in (FLAG, ESCAPE):
            escaped += bytes((ESCAPE, byte ^ TOGGLE))
        else:
            escaped.append(byte)
    escaped.append(FLAG)
    return bytes(escaped)


class Deframer:
    """Cuts a byte stream into (protocol, payload); a damaged frame is left out (RFC 1662)."""

    def __init__(self) -> None:
        self._frame = bytearray()
        self._escaped = False
        self.damaged = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        for byte in data:
            if byte == FLAG:
                content, aborted = bytes(self._frame), self._escaped
                self._frame.clear()
                self._escaped = False
                if not content:
                    continue
                if aborted or len(content) < 6 or fcs16(content) != GOOD_FCS:
                    self.damaged += 1
                    continue
                yield int.from_bytes(content[2:4], "big"), content[4:-2]
            elif byte == ESCAPE:
                self._escaped = True
            elif len(self._frame) < MAX_FRAME:
                self._frame.append(byte ^ TOGGLE if self._escaped else byte)
                self._escaped = False


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 2 and 2 <= data[1] <= len(data):
        yield data[0], data[2 : data[1]]
        data = data[data[1] :]


def _pack(options: list[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes((kind, len(value) + 2)) + value for kind, value in options)


class Peer:
    """One call. Feed it what the caller sends; write what it returns to the caller.

    Attributes:
        up: addresses are agreed on, IP packets may pass.
        ended: the link was closed by either side.
        name: what the caller called itself in CHAP, or "" when nobody asked.
    """

    def __init__(
        self,
        address: IPv4Address,
        caller: IPv4Address,
        dns: IPv4Address,
        *,
        password: str | None = None,
        authenticate: bool = True,
    ) -> None:
        """Give `caller` its address and `dns` its name server.

        A real stick asks for CHAP and takes any answer, as here with `password` None.
        """
        self._deframer = Deframer()
        self._address = address
        self._wanted = {
            IPCP_ADDRESS: caller.packed,
            IPCP_DNS_1: dns.packed,
            IPCP_DNS_2: dns.packed,
        }
        self._requests: dict[int, list[tuple[int, bytes]]] = {
            LCP: [(LCP_AUTHENTICATION, CHAP_MD5)] if authenticate else [],
            IPCP: [(IPCP_ADDRESS, address.packed)],
        }
        self._agreed: dict[int, set[str]] = {LCP: set(), IPCP: set()}
        self._password = password
        self._challenge = os.urandom(16)
        self._identifier = 0
        self.name = ""
        self.up = False
        self.ended = False

    def receive(self, data: bytes) -> tuple[bytes, list[bytes]]:
        """Return (bytes to answer with, IP packets from the caller)."""
        answer, packets = b"", []
        for protocol, payload in self._deframer.feed(data):
            if protocol == IP and self.up:
                packets.append(payload)
            elif protocol != IP:
                answer += self._control(protocol, payload)
        return answer, packets

    def send(self, packet: bytes) -> bytes:
        """The frame that brings an IP packet to the caller; empty while the link is not up."""
        return frame(IP, packet) if self.up else b""

    def terminate(self) -> bytes:
        """The frame that ends the call from the network's side."""
        self.up = False
        self.ended = True
        return self._packet(LCP, TERMINATE_REQUEST, self._next_identifier(), b"")

    def _next_identifier(self) -> int:
        self._identifier = self._identifier % 255 + 1
        return self._identifier

    def _packet(self, protocol: int, code: int, identifier: int, data: bytes) -> bytes:
        return frame(
            protocol, bytes((code, identifier)) + (len(data) + 4).to_bytes(2, "big") + data
        )

    def _control(self, protocol: int, payload: bytes) -> bytes:
        if protocol not in (LCP, IPCP, CHAP):
            rejected = protocol.to_bytes(2, "big") + payload
            return self._packet(LCP, PROTOCOL_REJECT, self._next_identifier(), rejected)
        if len(payload) < 4:
            return b""
        code, identifier, length = payload[0], payload[1], int.from_bytes(payload[2:4], "big")
        data = payload[4:length]
        if protocol == CHAP:
            return self._authenticated(identifier, data) if code == RESPONSE else b""
        if code == CONFIGURE_REQUEST:
            return self._answer_request(protocol, identifier, data)
        if code == CONFIGURE_ACK:
            return self._agree(protocol, "ours")
        if code in (CONFIGURE_NAK, CONFIGURE_REJECT):
            refused = {kind for kind, _ in _options(data)}
            self._requests[protocol] = [o for o in self._requests[protocol] if o[0] not in refused]
            return self._request(protocol)
        if code == TERMINATE_REQUEST:
            self.up = False
            self.ended = protocol == LCP
            return self._packet(protocol, TERMINATE_ACK, identifier, b"")
        if code == ECHO_REQUEST:
            return self._packet(LCP, ECHO_REPLY, identifier, bytes(4) + data[4:])
        return b""

    def _request(self, protocol: int) -> bytes:
        options = _pack(self._requests[protocol])
        return self._packet(protocol, CONFIGURE_REQUEST, self._next_identifier(), options)

    def _answer_request(self, protocol: int, identifier: int, data: bytes) -> bytes:
        offered = list(_options(data))
        known = {LCP_MRU, LCP_ASYNC_MAP, LCP_MAGIC} if protocol == LCP else set(self._wanted)
        rejected = [option for option in offered if option[0] not in known]
        corrected = []
        if protocol == IPCP:
            corrected = [
                (kind, self._wanted[kind])
                for kind, value in offered
                if value != self._wanted.get(kind, value)
            ]
        if len(self._agreed[protocol]) == 2:
            # A caller that configures the link anew has lost what was agreed on before.
            self.up = False
            self._agreed = {LCP: self._agreed[LCP] if protocol == IPCP else set(), IPCP: set()}
        if rejected:
            answer = self._packet(protocol, CONFIGURE_REJECT, identifier, _pack(rejected))
        elif corrected:
            answer = self._packet(protocol, CONFIGURE_NAK, identifier, _pack(corrected))
        else:
            answer = self._packet(protocol, CONFIGURE_ACK, identifier, data)
            answer += self._agree(protocol, "theirs")
        return answer if "ours" in self._agreed[protocol] else answer + self._request(protocol)

    def _agree(self, protocol: int, half: str) -> bytes:
        if half in self._agreed[protocol]:
            return b""
        self._agreed[protocol].add(half)
        if len(self._agreed[protocol]) < 2:
            return b""
        if protocol == IPCP:
            self.up = True
        elif self._requests[LCP]:
            value = bytes([len(self._challenge)]) + self._challenge + b"mokanda"
            return self._packet(CHAP, CHALLENGE, self._next_identifier(), value)
        return b""

    def _authenticated(self, identifier: int, data: bytes) -> bytes:
        size = 1 + data[0] if data else 1
        response, self.name = data[1:size], data[size:].decode(errors="replace")
        if self._password is not None:
            secret = bytes([identifier]) + self._password.encode() + self._challenge
            if response != hashlib.md5(secret, usedforsecurity=False).digest():
                return self._packet(CHAP, FAILURE, identifier, b"wrong password") + self.terminate()
        return self._packet(CHAP, SUCCESS, identifier, b"welcome")
