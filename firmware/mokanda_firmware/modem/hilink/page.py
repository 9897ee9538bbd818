# SPDX-License-Identifier: Apache-2.0
"""The HTTP API of a HiLink stick: small documents of XML, asked at its gateway.

Old firmware wants nothing, newer a session, by cookie, and a token with each request that changes
something. Whatever answers is a stranger: bytes, time and depth are bounded, a DTD is refused.
"""

import http.client
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from xml.parsers import expat
from xml.sax.saxutils import escape

Value: TypeAlias = "str | Mapping[str, Value]"
PORT = 80
VISIT = 1.4  # seconds: whoever asks and is asked twice still answers within three
_MAX_BYTES = 65536  # of all answers of a visit
_MAX_DEPTH = 6
_MAX_ELEMENTS = 500
_STALE: Final = frozenset({125001, 125002, 125003})  # the session has ended, the token is spent
# What no document may hold; sticks leave it in the messages that they tell.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """What an answer tells: its elements, by name, and those of each row of its list, if any."""

    name: str
    fields: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)


class PageError(Exception):
    """There is no answer, or none that can be used."""


class NoPageError(PageError):
    """The other end serves no pages at all."""


class StrangerError(PageError):
    """It does serve pages, which are not HiLink's."""


class RefusedError(PageError):
    """The stick refuses a request; `code` is its own."""

    def __init__(self, code: str) -> None:
        super().__init__(f"error {code[:20]}")
        self.code = int(code) if code.isdecimal() and len(code) < 10 else 0


class _TooLongError(OSError):
    pass


class _Socket(socket.socket):
    """One that gives so many bytes until its deadline, and then no more."""

    deadline = 0.0
    left = _MAX_BYTES

    def wait_no_longer(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the visit takes too long")
        self.settimeout(left)

    def recv_into(self, *arguments: Any) -> int:  # noqa: ANN401 - as socket's; http.client reads so
        self.wait_no_longer()
        taken = super().recv_into(*arguments)
        self.left -= taken
        if self.left < 0:
            raise _TooLongError("too many bytes")
        return taken


class _Http(http.client.HTTPConnection):
    """A connection by one interface, until a deadline."""

    def __init__(self, interface: str, gateway: str, seconds: float) -> None:
        super().__init__(gateway, PORT)
        self._interface = interface.encode() + b"\0"
        self._deadline = time.monotonic() + seconds

    def connect(self) -> None:
        """Connect, by the interface."""
        plain = _Socket(socket.AF_INET, socket.SOCK_STREAM)
        plain.deadline = self._deadline
        try:
            plain.wait_no_longer()
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface)
            plain.connect((self.host, self.port))
        except OSError:
            plain.close()
            raise
        self.sock = plain


class Page:
    """The API at one gateway, within `visit`. Every request raises PageError."""

    def __init__(self, interface: str, gateway: str) -> None:
        self._interface = interface
        self.gateway = gateway
        self._session: dict[str, str] = {}
        self._http: _Http | None = None

    @contextmanager
    def visit(self, seconds: float = VISIT) -> Iterator[None]:
        """Ask for so long, all in all."""
        self._http = _Http(self._interface, self.gateway, seconds)
        try:
            yield
        finally:
            self._http.close()
            self._http = None

    def get(self, path: str) -> dict[str, str]:
        """Return what a document tells: its elements, by name."""
        try:
            return self._ask("GET", path).fields
        except RefusedError as error:
            if error.code not in _STALE:
                raise
        self._begin_session()
        return self._ask("GET", path).fields

    def post(self, path: str, fields: Mapping[str, Value]) -> Document:
        """Have something done, or looked up; once, whatever comes of it."""
        self._begin_session()
        body = _as_xml({"request": fields})
        return self._ask("POST", path, f'<?xml version="1.0" encoding="UTF-8"?>{body}')

    def _begin_session(self) -> None:
        self._session = {}
        with suppress(RefusedError):
            began = self._ask("GET", "webserver/SesTokInfo").fields
            self._session = {
                "Cookie": began.get("SesInfo", ""),
                "__RequestVerificationToken": began.get("TokInfo", ""),
            }
            return
        with suppress(RefusedError):  # the oldest have neither
            began = self._ask("GET", "webserver/token").fields
            self._session = {"__RequestVerificationToken": began.get("token", "")}

    def _ask(self, method: str, path: str, body: str | None = None) -> Document:
        assert self._http is not None
        headers = self._session | ({"Content-Type": "application/xml"} if body else {})
        try:
            self._http.request(method, f"/api/{path}", body, headers)
            response = self._http.getresponse()
            answer = response.read(_MAX_BYTES)
        except ConnectionRefusedError as error:
            raise NoPageError(str(error)) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._http.close()
            kind = StrangerError if isinstance(error, _TooLongError) else PageError
            raise kind(str(error)) from error
        document = parsed(answer)
        if document.name == "error":
            raise RefusedError(document.fields.get("code", ""))
        if response.status != http.HTTPStatus.OK or document.name != "response":
            raise StrangerError(f"status {response.status}, {document.name[:20]}")
        return document


def _as_xml(fields: Mapping[str, Value]) -> str:
    return "".join(
        f"<{name}>{escape(value) if isinstance(value, str) else _as_xml(value)}</{name}>"
        for name, value in fields.items()
    )


def parsed(answer: bytes) -> Document:
    """Take a document apart: a row is an element in one of those right below the outermost.

    Raises StrangerError: it is no such document.
    """
    names: list[str] = []
    root: list[str] = []
    fields: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    count = 0

    def start(name: str, _: object) -> None:
        nonlocal count
        count += 1
        names.append(name)
        if len(names) > _MAX_DEPTH or count > _MAX_ELEMENTS:
            raise StrangerError("too many elements")
        if len(names) == 1:
            root.append(name)
        elif len(names) == 3:
            rows.append({})

    def text(data: str) -> None:
        within = {2: fields, 4: rows[-1] if rows else {}}.get(len(names))
        if within is not None:
            within[names[-1]] = within.get(names[-1], "") + data

    def refuse(*_: object) -> None:
        raise StrangerError("a DTD")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: names.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        # As text: of the encodings that a document may name, UTF-8 is the one that comes.
        parser.Parse(_FORBIDDEN.sub("", answer.decode("utf-8", "replace")), True)
    except expat.ExpatError as error:
        raise StrangerError(str(error)) from error
    return Document(root[0], _stripped(fields), [_stripped(each) for each in rows])


def _stripped(fields: dict[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in fields.items()}
