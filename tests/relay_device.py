# SPDX-License-Identifier: Apache-2.0
"""A device of the tests' own: speaks the wire's protocol to a real relay over a real socket.

It does what a courier does, one step at a time, so that a test can leave a step out, repeat it,
or cut it short. What it holds lives in memory and survives its connection, not the test.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from mokanda_wire import protocol
from mokanda_wire.bundle import Bundle, Event, Item, Mail, Residents, decode, encode
from mokanda_wire.claimfile import ClaimFile
from mokanda_wire.envelope import Keyring, verify_with
from mokanda_wire.formats import OLDEST_FORMAT
from mokanda_wire.history import History, Row, applied
from mokanda_wire.message import Mailbox, Message, new_message_id
from tests.ready_made.key_pair import write_key_pair

T = TypeVar("T")


class RefusedByRelay(Exception):  # noqa: N818 - it is not an error of the device
    """The relay refused a request."""

    def __init__(self, status: int, refusal: protocol.Refusal) -> None:
        super().__init__(f"{status} {refusal.reason}: {refusal.text}")
        self.status = status
        self.refusal = refusal
        self.reason = refusal.reason


@dataclass(frozen=True)
class Pending:
    """A frozen up bundle."""

    sealed: protocol.Sealed
    data: bytes
    record: bytes


class RelayDevice:
    """One device; close it in the end.

    Attributes:
        mails: what has been delivered to it.
        events: what it was told of its own mails.
        others: items of other kinds, in order.
    """

    def __init__(self, claim: ClaimFile, home: Path) -> None:
        self.claim_file = claim
        self.name, self.domain = claim.device, claim.domain
        self.key = write_key_pair(home, claim.device)
        self.keyring = Keyring(home)
        self.relay_key = ""
        self.rows: list[Row] = []
        self.counter = 0
        self.up_applied = 0
        self.applied_down = 0
        self.pending: Pending | None = None
        self.token = ""
        self.format = OLDEST_FORMAT  # the newest one of bundles that it knows
        self.mails: list[Mail] = []
        self.contents: dict[str, bytes] = {}
        self.events: list[Event] = []
        self.others: list[Item] = []
        self._connection: http.client.HTTPSConnection | None = None

    def close(self) -> None:
        """End the connection and the agent."""
        self.disconnect()
        self.keyring.close()

    def connect(self) -> http.client.HTTPSConnection:
        """The open connection, made if need be."""
        if self._connection is None:
            url = urlsplit(self.claim_file.relay)
            context = ssl.create_default_context(cadata=self.claim_file.certificate)
            context.check_hostname = False  # the certificate itself is pinned
            assert url.hostname
            self._connection = http.client.HTTPSConnection(
                url.hostname, url.port, timeout=30, context=context
            )
        return self._connection

    def disconnect(self) -> None:
        """Break the connection."""
        if self._connection is not None:
            if self._connection.sock is not None:
                self._connection.sock.close()
            self._connection.close()
            self._connection = None

    def request(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """One request; header names with `_` for `-`. Raises RefusedByRelay."""
        connection = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException):
            self.disconnect()
            raise
        if answer.status >= 400:
            raise RefusedByRelay(answer.status, protocol.load(protocol.Refusal, data))
        return answer.status, data, answer.headers

    def claim_body(self, code: str) -> bytes:
        """A claim with this code, signed."""
        asked = protocol.ClaimRequest(code, self.name, "0.1.0")
        signed = self.keyring.sign(protocol.dump(asked), self.key)
        return protocol.dump(protocol.Claim(self.keyring.export_key(self.key), signed))

    def claim(self, code: str = "") -> protocol.ClaimGrant:
        """Claim itself, with another code than its own if one is given."""
        body = self.claim_body(code or self.claim_file.code)
        reply = protocol.load(protocol.ClaimReply, self.request("POST", protocol.CLAIM, body)[1])
        fingerprint, grant = verify_with(reply.relay_key, reply.grant)
        assert fingerprint == self.claim_file.relay_fingerprint
        self.relay_key = self.keyring.import_key(reply.relay_key)
        return protocol.load(protocol.ClaimGrant, grant)

    def history(self) -> History:
        """Its history log."""
        return History(self.rows)

    def message(self, recipient: str, text: str, sender: str = "amina", **more: object) -> Mail:
        """A mail of a villager's."""
        message = Message(
            message_id=new_message_id(self.domain),
            date=datetime.now(UTC).replace(microsecond=0),
            sender=Mailbox(f"{sender}@{self.domain}", sender.title()),
            to=(Mailbox(recipient),),
            cc=(),
            subject="From the village",
            text=text,
        )
        return Mail((recipient,), message._replace(**more))  # type: ignore[arg-type]

    def freeze(
        self,
        *items: Item,
        contents: Mapping[str, bytes] | None = None,
        residents: Sequence[str] = ("amina", "bako"),
    ) -> Pending:
        """Freeze an up bundle."""
        bundle = Bundle(
            self.name,
            "up",
            self.up_applied + 1,
            datetime.now(UTC),
            (Residents(tuple(residents)), *items),
            contents or {},
        )
        encoded = encode(bundle, self.history(), bundle_format=self.format)
        return self.pend(bundle.sequence, encoded.data, encoded.record)

    def pend(self, sequence: int, plain: bytes, record: bytes = b"") -> Pending:
        """Seal what stands for an up bundle, to be uploaded next."""
        data = self.keyring.seal(plain, self.relay_key, self.key)
        digest = hashlib.sha256(data).digest()
        self.pending = Pending(protocol.Sealed(sequence, len(data), digest), data, record)
        return self.pending

    def hello(self, **changed: object) -> protocol.HelloReply:
        """Say hello, and take the reply in."""
        self.counter += 1
        said: dict[str, object] = {
            "device": self.name,
            "counter": self.counter,
            "now": datetime(2020, 1, 1, tzinfo=UTC),  # a board without a clock
            "version": "0.1.0",
            "applied_down": self.applied_down,
            "up": self.pending.sealed if self.pending else None,
            "history": self.history().tip,
            "format": self.format if self.format > 1 else None,
        }
        hello = protocol.Hello(**(said | changed))  # type: ignore[arg-type]
        signed = self.keyring.sign(protocol.dump(hello), self.key)
        return self.say(signed)

    def say(self, signed: bytes) -> protocol.HelloReply:
        """Post a signed hello, and take the reply in."""
        _, data, _ = self.request("POST", protocol.HELLO, signed, Mokanda_Device=self.name)
        reply = protocol.load(protocol.HelloReply, self.keyring.verify(data, self.relay_key))
        self.token = reply.token
        ours = self.pending and self.pending.sealed.sha256 == reply.applied_sha256
        self.confirm(reply.applied_up, ours=bool(ours))
        if not reply.history_agrees:
            self.rows = applied(self.rows, self.history().restart())
        return reply

    def confirm(self, applied_up: int, *, ours: bool = True) -> None:
        """Note what the relay has applied; `ours` if it may be the pending bundle."""
        if self.pending and ours and self.pending.sealed.sequence <= applied_up:
            self.rows = applied(self.rows, self.history().append(self.pending.record))
            self.pending = None
        self.up_applied = max(self.up_applied, applied_up)

    def upload(self, offset: int) -> protocol.Receipt:
        """Upload the pending bundle from `offset` on."""
        assert self.pending
        path = protocol.UP.format(sequence=self.pending.sealed.sequence)
        _, data, _ = self.request(
            "PUT",
            path,
            self.pending.data[offset:],
            Token=self.token,
            Offset=str(offset),
        )
        receipt = protocol.load(protocol.Receipt, data)
        self.confirm(receipt.applied)
        return receipt

    def upload_and_break_off(self, offset: int, size: int) -> None:
        """Upload `size` bytes from `offset` on, then vanish."""
        assert self.pending
        connection = self.connect()
        connection.putrequest("PUT", protocol.UP.format(sequence=self.pending.sealed.sequence))
        connection.putheader("Content-Length", str(self.pending.sealed.size - offset))
        connection.putheader(protocol.TOKEN_HEADER, self.token)
        connection.putheader(protocol.OFFSET_HEADER, str(offset))
        connection.endheaders()
        for start in range(offset, offset + size, 100):
            connection.send(self.pending.data[start : min(start + 100, offset + size)])
        raw: socket.socket = connection.sock
        raw.shutdown(socket.SHUT_WR)
        self.disconnect()

    def fetch(self, sequence: int, offset: int = 0, **headers: str) -> tuple[int, bytes]:
        """Download a sealed bundle from `offset` on; returns status and bytes."""
        if offset:
            headers["Range"] = f"bytes={offset}-"
        path = protocol.DOWN.format(sequence=sequence)
        status, data, _ = self.request("GET", path, b"", Token=self.token, **headers)
        return status, data

    def apply(self, sealed: protocol.Sealed, data: bytes) -> Bundle:
        """Open a down bundle and apply it, once."""
        assert hashlib.sha256(data).digest() == sealed.sha256
        decoded = decode(self.keyring.open(data, self.relay_key), self.history())
        if sealed.sequence > self.applied_down:
            for item in decoded.bundle.items:
                if isinstance(item, Mail):
                    self.mails.append(item)
                elif isinstance(item, Event):
                    self.events.append(item)
                else:
                    self.others.append(item)
            self.contents |= decoded.bundle.contents
            self.rows = applied(self.rows, self.history().append(decoded.record))
            self.applied_down = sealed.sequence
        return decoded.bundle

    def acknowledge(self) -> protocol.Receipt:
        """Acknowledge what was applied."""
        body = protocol.dump(protocol.Ack(self.applied_down))
        _, data, _ = self.request("POST", protocol.ACK, body, Token=self.token)
        return protocol.load(protocol.Receipt, data)

    def sync(self) -> None:
        """A whole session."""
        reply = self.hello()
        down = reply.down
        if self.pending:
            down = self.upload(reply.up_offset).down
        while down:
            self.apply(down, self.fetch(down.sequence)[1])
            down = self.acknowledge().down

    def told(self) -> dict[str, list[str]]:
        """The kinds of events by recipient, in order."""
        told: dict[str, list[str]] = {}
        for event in self.events:
            told.setdefault(event.recipient, []).append(event.kind)
        return told
