# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a HiLink stick's HTTP API, over a real socket.

New firmware wants the cookie of a session with every request, and a token that serves once with
each that changes something; old firmware wants neither.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from tests.serving import serving

_FIRST = datetime(2026, 11, 29, 18, 30)  # noqa: DTZ001 - sticks tell no zone
_LOCAL, _SIM = "1", "5"  # BoxType
_NOT_FOUND = "404"


class HiLink:
    """The stick: what it tells, and how its SIM card is."""

    def __init__(self) -> None:
        self.firmware = "new"
        self.login = False  # whether it tells who it is, and takes a PIN, only after a log-in
        self.connection = "901"
        self.connects = True  # when it is told to, after two questions
        self.sim = "257"
        self.card = "8924301234567890123"  # its number
        self.pin = "1234"
        self.tries = 3
        self.service = "2"
        self.domain = "3"
        self.roaming = "0"
        self.bars = "4"
        self.operator = "Vodacom CD"
        self.has_ussd = True  # whether its firmware knows of USSD
        # The network, one after the other; while there is more to come it keeps connections away.
        self.says = ["Votre solde est de 2.50 USD"]
        self._is_menu_open = False
        self.takes = 3  # questions until the network has answered
        self.ends = ""  # the error by which a code ends instead
        self.asked_network: list[str] = []  # by which codes
        self.silent = False
        self.sends: str | None = "SucPhone"  # what it tells of a message; None: nothing
        self.sent: list[str] = []  # the contents of messages
        self._sent_to = ""
        self.boxes: dict[str, dict[int, tuple[str, str]]] = {_LOCAL: {}, _SIM: {}}
        self.deletes = True
        self.lacks = ""  # how the paths begin that its firmware does not know
        self.lacks_by = "100002"  # what it says then
        self.hangs_on = ""  # the path at which it says nothing
        self.raw: bytes | None = None  # what is answered instead of anything else
        self.asked: list[str] = []
        self._tokens: set[str] = set()
        self._connecting = 0  # how many questions until it is connected
        self._answering: int | None = None  # how many questions until the network has answered

    def receive(self, texts: Sequence[Sequence[str]], box: str = _LOCAL) -> None:
        """Take in messages: text and sender of each, in the order in which they were sent."""
        for text, sender in texts:
            index = 40000 + sum(map(len, self.boxes.values()))
            while any(index in each for each in self.boxes.values()):
                index += 1
            self.boxes[box][index] = (text, sender)

    def _list(self, body: str) -> str:
        """Return a page of a box, the oldest first; a text that begins with < is left as it is."""
        wanted = dict(re.findall(r"<(\w+)>(\w+)</", body))
        size, at = int(wanted["ReadCount"]), int(wanted["PageIndex"]) - 1
        box = sorted(self.boxes[wanted["BoxType"]].items())
        rows = [
            "<Message><Smstat>0</Smstat>"
            f"<Index>{index}</Index><Phone>{sender}</Phone>"
            f"<Content>{text if text.startswith('<') else escape(text)}</Content>"
            f"<Date>{_FIRST + timedelta(minutes=index - 40000)}</Date>"
            "<Sca></Sca><SaveType>0</SaveType><Priority>0</Priority><SmsType>1</SmsType></Message>"
            for index, (text, sender) in box[at * size : (at + 1) * size]
        ]
        return _response(Count=str(len(box)), Messages="".join(rows))

    def answer(self, method: str, path: str, body: str, cookie: str, token: str) -> str:
        """Return the document for a request."""
        self.asked.append(f"{method} {path}")
        if path == "webserver/SesTokInfo" and self.firmware == "new":
            fresh = f"token{len(self.asked)}"
            self._tokens.add(fresh)
            return _response(SesInfo="SessionID=s1", TokInfo=fresh)
        if path.startswith("webserver/"):
            return _error(100002)
        if self.lacks and path.startswith(self.lacks):
            return "" if self.lacks_by == _NOT_FOUND else _error(int(self.lacks_by))
        if self.firmware == "new" and cookie != "SessionID=s1":
            return _error(125002)
        if method == "POST" and self.firmware == "new":
            if token not in self._tokens:
                return _error(125003)
            self._tokens.discard(token)
        return self._told(path, body)

    def _told(self, path: str, body: str) -> str:
        match path:
            case "monitoring/status":
                if self.connection == "900":
                    self._connecting -= 1
                    self.connection = "900" if self._connecting else "901"
                return _response(
                    ConnectionStatus=self.connection,
                    SignalIcon=self.bars,
                    maxsignal="5",
                    RoamingStatus=self.roaming,
                    ServiceStatus=self.service,
                    CurrentServiceDomain=self.domain,
                )
            case "net/current-plmn":
                return _response(State="0", FullName=self.operator)
            case "device/information" if not self.login:
                return _response(
                    DeviceName="E3372", Imei="8" * 15, Imsi="630010123456789", Iccid=self.card
                )
            case "pin/status":
                return _response(SimState=self.sim, SimPinTimes=str(self.tries), SimPukTimes="10")
            case "pin/operate" if not self.login:
                return self._try_pin(body)
            case "sms/send-sms" if not self.login:
                self.sent += re.findall("<Content>(.*)</Content>", body)
                [self._sent_to] = re.findall("<Phones><Phone>(.*)</Phone></Phones>", body)
                return "<response>OK</response>"
            case "sms/send-status":
                told = dict.fromkeys(("Phone", "SucPhone", "FailPhone"), "")
                if self.sends is not None:
                    told[self.sends] = self._sent_to
                return _response(TotalCount="1", CurIndex="1", **told)
            case "sms/sms-count":
                counts = {box: str(len(texts)) for box, texts in self.boxes.items()}
                return _response(LocalInbox=counts[_LOCAL], SimInbox=counts[_SIM], LocalMax="500")
            case "sms/sms-list" if not self.login:
                return self._list(body)
            case "sms/delete-sms" if not self.login and self.deletes:
                [index] = re.findall("<Index>(.*)</Index>", body)
                for box in self.boxes.values():
                    box.pop(int(index), None)
                return "<response>OK</response>"
            case "dialup/dial":
                if self.connects and not self._is_menu_open:
                    self.connection = "900" if "<Action>1<" in body else "902"
                    self._connecting = 2
                return "<response>OK</response>"
            case "ussd/send" if self.has_ussd and not self.login:
                [code] = re.findall("<content>(.*)</content>", body)
                self.asked_network.append(code)
                self._answering = self.takes
                return "<response>OK</response>"
            case "ussd/get" if self.has_ussd:
                return self._network_says()
            case "ussd/release" if self.has_ussd:
                self._answering = None
                self._is_menu_open = False
                return "<response>OK</response>"
            case "device/information" | "pin/operate":
                return _error(100003)
            case "sms/send-sms" | "sms/sms-list" | "sms/delete-sms":
                return _error(100003)
            case "ussd/send" if self.login:
                return _error(100003)
        return _error(100002)

    def _network_says(self) -> str:
        if self._answering is None:
            return _error(111020)
        if self._answering:
            self._answering -= 1
            return _error(111019)
        if self.ends:
            return _error(int(self.ends))
        self._is_menu_open = len(self.says) > 1
        said = self.says.pop(0) if self._is_menu_open else self.says[0]
        return _response(content=escape(said), date="")

    def _try_pin(self, body: str) -> str:
        if f"<CurrentPin>{self.pin}<" in body:
            self.sim, self.tries = "257", 3
            return "<response>OK</response>"
        self.tries -= 1
        self.sim = self.sim if self.tries else "261"
        return _error(103002)

    @contextmanager
    def served(self) -> Iterator[int]:
        """Serve on the loopback, and give the port."""
        stick = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if stick.silent or stick.raw is not None:
                    self.wfile.write(stick.raw or b"")
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                path = re.sub(r"^/api/", "", self.path)
                if path == stick.hangs_on:
                    stick.asked.append(f"{self.command} {path}")
                    self.rfile.read(1)  # until the other end has gone
                    self.close_connection = True
                    return
                said = stick.answer(
                    self.command,
                    path,
                    body,
                    self.headers.get("Cookie", ""),
                    self.headers.get("__RequestVerificationToken", ""),
                ).encode()
                self.send_response(200 if said else 404)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        with serving(server):
            yield int(server.server_address[1])


def _response(**fields: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>\r\n" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\r\n<response>\r\n{inner}</response>'


def _error(code: int) -> str:
    return f"<error><code>{code}</code><message></message></error>"
