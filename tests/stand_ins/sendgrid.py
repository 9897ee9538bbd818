# SPDX-License-Identifier: Apache-2.0
"""A stand-in for SendGrid: takes mail by the v3 API, posts mail and events to webhooks.

It keeps what it is sent and shows it on a page, with a form to write to a villager. In tests it
fails on demand (`fail_next`), as the real service and the network before it do.

    python -m tests.stand_ins.sendgrid --listen 127.0.0.1:8082 \\
        --parse-url http://127.0.0.1:8081/inbound/SECRET
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import re
import secrets
import socket
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from bottle import SimpleTemplate
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from multipart import MultipartParser, parse_options_header

from scripts.tools.deadlines import wait_until
from tests.serving import serving
from tests.stand_ins import sendgrid_rules

# What goes wrong with a request to send: a status is answered and the mail is not taken; `lost` and
# `silence` take it, then break the connection or never answer; `cut` breaks it before that.
Fault = Literal["400", "401", "413", "429", "500", "503", "lost", "silence", "cut"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that was taken: the X-Message-Id, when (seconds since 1970), and the JSON."""

    id: str
    at: float
    body: dict[str, Any]

    @property
    def people(self) -> list[dict[str, str]]:
        """Everyone that it goes to, as they were named."""
        return [
            each
            for personalization in self.body["personalizations"]
            for field in ("to", "cc", "bcc")
            for each in personalization.get(field, ())
        ]

    @property
    def recipients(self) -> list[str]:
        """The addresses that it goes to."""
        return [each["email"] for each in self.people]

    @property
    def text(self) -> str:
        """The plain text."""
        return str(self.body["content"][0]["value"])


class SendGridStandIn:
    """The service; a context manager.

    Attributes:
        sent: the mails that it has taken.
        requests: how many requests to send it has seen.
        events_posted: the statuses with which the event webhook was answered.
        public_key: verifies the events that it posts; base64 DER, as SendGrid shows it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        parse_url: str = "",
        events_url: str = "",
        data: Path | None = None,
    ) -> None:
        """Listen; nothing is posted to a webhook whose URL is ""."""
        self.parse_url = parse_url
        self.events_url = events_url
        self.sent: list[Sent] = []
        self.requests = 0
        self.events_posted: list[int] = []
        self._untaken: deque[bytes] = deque()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = base64.b64encode(
            self._key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).decode()
        self._faults: deque[Fault] = deque()
        self._closing = threading.Event()
        self._serving = contextlib.ExitStack()
        self._lock = threading.Lock()
        self._data = data
        if data is not None:
            data.mkdir(parents=True, exist_ok=True)
            stored = (json.loads(each.read_text()) for each in sorted(data.glob("*.json")))
            self.sent = [Sent(**each) for each in stored]
            (data / "public-key").write_text(self.public_key)
        self._server = _Server((host, port), _handler(self))
        bound = self._server.server_address
        self.url = f"http://{bound[0]!s}:{bound[1]}"

    def __enter__(self) -> Self:
        self._serving.enter_context(serving(self._server))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._serving.close()

    def serve_forever(self) -> None:
        """Serve in this thread."""
        self._server.serve_forever()

    def fail_next(self, *faults: Fault) -> None:
        """Let the next requests to send meet these faults, one each."""
        self._faults.extend(faults)

    def next_fault(self) -> Fault | None:
        """The fault that the request at hand meets."""
        with self._lock:
            self.requests += 1
            return self._faults.popleft() if self._faults else None

    def keep_silent(self) -> None:
        """Answer nothing, for as long as the stand-in lives."""
        self._closing.wait()

    def finish_requests(self) -> None:
        """Wait until all that was asked before is dealt with, also by those who are gone."""
        with urllib.request.urlopen(f"{self.url}/sent.json", timeout=10) as answer:
            answer.read()  # connections are accepted in order: those before this one are counted
        wait_until(lambda: self._server.open == 0, "the requests to be over", 20, every=0.01)

    def take(self, body: dict[str, Any]) -> Sent:
        """Take a mail, and post its events as they would come."""
        sent = Sent(f"{secrets.token_urlsafe(16)}.{secrets.token_hex(4)}", time.time(), body)
        with self._lock:
            self.sent.append(sent)
            if self._data is not None:
                path = self._data / f"{len(self.sent):06}.json"
                path.write_text(json.dumps(asdict(sent)))
        if self.events_url:
            threading.Thread(target=self._post_outcome, args=(sent,), daemon=True).start()
        return sent

    def _post_outcome(self, sent: Sent) -> None:
        self.post_events(self.event(sent, each, "processed") for each in sent.recipients)
        for person in sent.people:
            each = person["email"]
            if sendgrid_rules.is_mangled(person.get("name", "")):
                self.post_events([self.event(sent, each, "dropped", reason="Invalid")])
            elif each.endswith(".invalid"):
                reason = "550 5.1.1 The address does not exist"
                self.post_events([self.event(sent, each, "bounce", reason=reason, status="5.1.1")])
            else:
                self.post_events([self.event(sent, each, "delivered", response="250 OK")])

    def event(self, sent: Sent, recipient: str, event: str, **more: str) -> dict[str, Any]:
        """An event as SendGrid writes it, the custom arguments among its fields."""
        return {
            "email": recipient.lower(),
            "timestamp": int(time.time()),
            "smtp-id": f"<{sent.id}@geopod-ismtpd-1>",
            "event": event,
            "sg_event_id": secrets.token_urlsafe(16),
            "sg_message_id": f"{sent.id}.recvd-{secrets.token_hex(4)}-0",
            **sent.body.get("custom_args", {}),
            **more,
        }

    def post_events(self, events: Iterable[dict[str, Any]], *, signed: bool = True) -> int:
        """Post a batch of events; returns the answer's status, 0 when there was none."""
        body = json.dumps(list(events)).encode()
        timestamp = str(int(time.time()))
        headers = {"Content-Type": "application/json", "User-Agent": "SendGrid Event API"}
        if signed:
            signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
            headers["X-Twilio-Email-Event-Webhook-Signature"] = base64.b64encode(signature).decode()
            headers["X-Twilio-Email-Event-Webhook-Timestamp"] = timestamp
        status, _ = _post(self.events_url, body, headers)
        self.events_posted.append(status)
        if not 200 <= status < 300:
            self._untaken.append(body)
        return status

    def post_untaken_events(self) -> None:
        """Post again what was not taken, as SendGrid does for a day."""
        for _ in range(len(self._untaken)):
            self.post_events(json.loads(self._untaken.popleft()))

    def post_inbound(
        self,
        raw: bytes,
        sender: str,
        recipients: Sequence[str],
        subject: str = "",
        *,
        spf: str = "pass",
        dkim: str = "",
        spam_score: str = "0.1",
    ) -> tuple[int, str]:
        """Post a mail as the Parse webhook does; returns the answer's status and text.

        `spf` is pass, fail, softfail, neutral, none, temperror or permerror; `dkim` is none, or as
        `{@example.org : pass, @example.net : fail}`, by default a pass of the sender's domain.
        """
        mail_headers = raw.partition(b"\r\n\r\n")[0].decode("latin-1")
        fields: dict[str, str | bytes] = {
            "dkim": dkim or f"{{@{sender.rpartition('@')[2]} : pass}}",
            "email": raw,
            "to": _header(mail_headers, "To"),
            "from": _header(mail_headers, "From"),
            "sender_ip": "192.0.2.25",
            "spam_report": "",
            "envelope": json.dumps({"to": list(recipients), "from": sender}),
            "subject": subject,
            "spam_score": spam_score,
            "charsets": json.dumps({"to": "UTF-8", "from": "UTF-8", "subject": "UTF-8"}),
            "SPF": spf,
        }
        boundary = "xYzZY"
        while any(boundary.encode() in _bytes(value) for value in fields.values()):
            boundary = f"xYzZY{secrets.token_hex(8)}"
        body = b"".join(
            b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
            % (boundary.encode(), name.encode(), _bytes(value))
            for name, value in fields.items()
        )
        body += f"--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "User-Agent": "Sendlib/1.0 mail.sendgrid.net",
        }
        return _post(self.parse_url, body, headers)

    def write(
        self,
        sender: str,
        recipients: Sequence[str],
        subject: str,
        text: str,
        *,
        in_reply_to: str = "",
        attachments: Sequence[tuple[str, str, bytes]] = (),
    ) -> tuple[int, str]:
        """Write a mail to villagers; attachments are name, media type and content."""
        mail = EmailMessage()
        address = parseaddr(sender)[1]
        mail["Received"] = f"from mail.example (192.0.2.25) by mx.sendgrid.net; {formatdate()}"
        mail["From"] = sender
        mail["To"] = ", ".join(recipients)
        mail["Subject"] = subject
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=address.rpartition("@")[2] or "example.org")
        if in_reply_to:
            mail["In-Reply-To"] = mail["References"] = in_reply_to
        mail.set_content(text)
        for name, media_type, content in attachments:
            maintype, _, subtype = media_type.partition("/")
            mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
        raw = mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))
        return self.post_inbound(raw, address, recipients, subject)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _header(headers: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", headers, re.MULTILINE | re.IGNORECASE)
    return found[1].strip() if found else ""


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Post without following redirects, as SendGrid does; status 0 when there is no answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    try:
        connection.request("POST", parts.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


class _Server(ThreadingHTTPServer):
    """Counts the connections that are open."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.open = 0
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        with self._lock:
            self.open += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self.open -= 1


def _handler(service: SendGridStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "StandIn"

        def do_POST(self) -> None:
            path = urlsplit(self.path).path
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if path == "/v3/mail/send":
                self._send_mail(body)
            elif path == "/write":
                self._write(body)
            elif path == "/fail-next":
                service.fail_next(*json.loads(body))
                self._answer(204, b"")
            else:
                self._errors(404, "", "not found")

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/":
                reply = parse_qs(url.query).get("reply", [""])[0]
                page = _page(service, reply, parse_qs(url.query).get("said", [""])[0])
                self._answer(200, page.encode(), "text/html; charset=utf-8")
            elif url.path == "/sent.json":
                sent = [asdict(each) for each in service.sent]
                self._answer(200, json.dumps(sent).encode(), "application/json")
            elif found := re.fullmatch(r"/sent/(\d+)/(\d+)", url.path):
                self._attachment(int(found[1]), int(found[2]))
            else:
                self._errors(404, "", "not found")

        def _send_mail(self, body: bytes) -> None:
            fault = service.next_fault()
            if fault == "cut":
                self._cut()
                return
            if not self.headers.get("Authorization", "").startswith("Bearer SG."):
                self._errors(401, "", "the authorization grant is invalid, expired or revoked")
                return
            if fault is not None and fault.isdigit():
                self._errors(int(fault), "", f"fault {fault}, as asked for")
                return
            if self.headers.get_content_type() != "application/json":
                self._errors(415, "", "the content type has to be application/json")
                return
            if len(body) > sendgrid_rules.MAX_BYTES:
                self._errors(413, "", "the payload is too large")
                return
            try:
                mail = json.loads(body)
            except ValueError:
                self._errors(400, "", "bad request")
                return
            errors = sendgrid_rules.find_errors(mail)
            if errors:
                self._error_list(400, errors)
                return
            sent = service.take(mail)
            if fault == "silence":
                service.keep_silent()
            elif fault == "lost":
                self._cut()
            else:
                self._answer(202, b"", extra={"X-Message-Id": sent.id})

        def _cut(self) -> None:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

        def _errors(self, status: int, field: str, message: str) -> None:
            self._error_list(status, [(field, message)])

        def _error_list(self, status: int, errors: Sequence[tuple[str, str]]) -> None:
            listed = [
                {"message": message, "field": field or None, "help": None}
                for field, message in errors
            ]
            body = json.dumps({"errors": listed}).encode()
            reset = {"X-RateLimit-Reset": str(int(time.time()) + 1)} if status == 429 else {}
            self._answer(status, body, "application/json", extra=reset)

        def _answer(
            self,
            status: int,
            body: bytes,
            media_type: str = "text/plain",
            extra: dict[str, str] | None = None,
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (extra or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _write(self, body: bytes) -> None:
            _, options = parse_options_header(self.headers.get("Content-Type", ""))
            fields: dict[str, str] = {}
            attachments = []
            for part in MultipartParser(_Bytes(body), options.get("boundary", "")):
                if part.filename:
                    media_type = part.content_type or "application/octet-stream"
                    attachments.append((part.filename, media_type, part.raw))
                elif part.name != "attachment":
                    fields[part.name] = part.raw.decode("utf-8", "replace")
            status, text = service.write(
                fields.get("from", ""),
                [each.strip() for each in fields.get("to", "").split(",") if each.strip()],
                fields.get("subject", ""),
                fields.get("text", "").replace("\r\n", "\n"),
                in_reply_to=fields.get("in_reply_to", ""),
                attachments=attachments,
            )
            said = "taken" if status == 200 else f"not taken: {status} {text}"
            where = f"/?said={said.replace(' ', '+')}"
            self._answer(303, b"", extra={"Location": where.encode().decode("latin-1")})

        def _attachment(self, number: int, index: int) -> None:
            try:
                attachment = service.sent[number].body["attachments"][index]
            except (LookupError, KeyError):
                self._errors(404, "", "not found")
                return
            disposition = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
            content = base64.b64decode(attachment["content"])
            self._answer(200, content, "application/octet-stream", extra=disposition)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


class _Bytes:
    """Bytes as the parser wants to read them."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int) -> bytes:
        piece, self._data = self._data[:size], self._data[size:]
        return piece


_PAGE = SimpleTemplate(name="sendgrid_page.tpl", lookup=[str(Path(__file__).parent)])


def _page(service: SendGridStandIn, reply: str, said: str) -> str:
    form = {"from": "Ada <ada@example.org>", "to": "", "subject": "", "in_reply_to": ""}
    if reply.isdigit() and int(reply) < len(service.sent):
        mail = service.sent[int(reply)]
        form = {
            "from": mail.recipients[0],
            "to": mail.body["from"]["email"],
            "subject": f"Re: {mail.body['subject']}",
            "in_reply_to": mail.body.get("headers", {}).get("Message-ID", ""),
        }
    mails = list(enumerate(service.sent))[::-1]
    return str(_PAGE.render(form=form, mails=mails, said=said, time=time))


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for SendGrid, with a page at /.")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--parse-url", required=True, help="the relay's inbound webhook")
    parser.add_argument(
        "--events-url", help="the relay's event webhook (default: /events beside the other)"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep mails and public key here")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    beside = urlsplit(options.parse_url)._replace(path="/events").geturl()
    service = SendGridStandIn(
        host=host,
        port=int(port),
        parse_url=options.parse_url,
        events_url=options.events_url or beside,
        data=options.data,
    )
    sys.stderr.write(f"the rest of the world: {service.url}/\n")
    with contextlib.suppress(KeyboardInterrupt):
        service.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
