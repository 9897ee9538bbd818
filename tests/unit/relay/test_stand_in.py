# SPDX-License-Identifier: Apache-2.0
"""The stand-in for SendGrid is as strict as the service, and its page can be written from."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from mokanda_relay.mime.parse import parse
from tests.serving import serving
from tests.stand_ins.sendgrid import SendGridStandIn

pytest_plugins = ("tests.relay_fixtures",)

SOUND: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ada@example.org"}]}],
    "from": {"email": "amina@kitenge.example"},
    "subject": "Mbote",
    "content": [{"type": "text/plain", "value": "Hello"}],
}


def send(world: SendGridStandIn, body: bytes, **headers: str) -> tuple[int, str]:
    usual = {"Authorization": "Bearer SG.key", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{world.url}/v3/mail/send", body, {**usual, **headers}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["X-Message-Id"]
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_sound_mail_is_accepted_with_an_id(world: SendGridStandIn) -> None:
    status, message_id = send(world, json.dumps(SOUND).encode())
    assert status == 202
    assert [sent.id for sent in world.sent] == [message_id]


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": ""},
        {"content": []},
        {"content": [{"type": "text/plain", "value": ""}]},
        {"content": [{"type": "text/html", "value": "a"}, {"type": "text/plain", "value": "a"}]},
        {"from": {"email": "nobody"}},
        {"personalizations": []},
        {"personalizations": [{"to": []}]},
        {"personalizations": [{"to": [{"email": "a@b.c"}], "cc": [{"email": "A@b.c"}]}]},
        {"personalizations": [{"to": [{"email": f"a{n}@b.c"} for n in range(1001)]}]},
        {"headers": {"Reply-To": "a@b.c"}},
        {"headers": {"X-Name": "é"}},
        {"custom_args": {"id": 7}},
        {"attachments": [{"content": "", "filename": "a"}]},
        {"attachments": [{"content": "YQ==", "filename": ""}]},
        {"reply_to": {"email": "a@b.c"}, "reply_to_list": [{"email": "a@b.c"}]},
        {"unknown": 1},
    ],
)
def test_what_the_service_refuses_is_refused(
    world: SendGridStandIn, changed: dict[str, Any]
) -> None:
    status, text = send(world, json.dumps(SOUND | changed).encode())
    assert status == 400
    assert json.loads(text)["errors"][0]["message"]
    assert world.sent == []


def test_a_key_a_type_and_json_are_asked_for(world: SendGridStandIn) -> None:
    body = json.dumps(SOUND).encode()
    assert send(world, body, Authorization="Basic SG.key")[0] == 401
    assert send(world, body, **{"Content-Type": "text/plain"})[0] == 415
    assert send(world, b"{")[0] == 400


def test_mails_are_kept_between_runs(tmp_path: Path) -> None:
    with SendGridStandIn(data=tmp_path) as first:
        send(first, json.dumps(SOUND).encode())
        sent = first.sent
    with SendGridStandIn(data=tmp_path) as second:
        assert second.sent == sent


@pytest.fixture
def posted() -> Iterator[tuple[str, list[bytes]]]:
    """A webhook's URL, and the bodies that are posted to it."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}/inbound/secret", bodies


def test_an_answer_is_written_on_its_page(
    world: SendGridStandIn, posted: tuple[str, list[bytes]]
) -> None:
    world.parse_url, bodies = posted
    send(world, json.dumps(SOUND | {"headers": {"Message-ID": "<1@kitenge.example>"}}).encode())
    page = BeautifulSoup(urllib.request.urlopen(f"{world.url}/?reply=0").read(), "html.parser")
    fields = {str(each["name"]): str(each.get("value", "")) for each in page.select("form [name]")}
    assert fields["to"] == "amina@kitenge.example"
    del fields["attachment"]
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (fields | {"text": "Hello Amina"}).items()
    ]
    photo = b'--b\r\nContent-Disposition: form-data; name="attachment"; filename="lake.jpg"\r\n\r\n'
    body = b"".join((*parts, photo, b"\xff\xd8\r\n--b--\r\n"))
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{world.url}/write", body, headers)
    ) as said:
        assert b"taken" in said.read()
    [post] = bodies
    raw = post.partition(b'name="email"\r\n\r\n')[2].partition(b"\r\n--xYzZY")[0]
    message, contents = parse(raw)
    assert (message.subject, message.text) == ("Re: Mbote", "Hello Amina")
    assert message.in_reply_to == "1@kitenge.example"
    assert list(contents.values()) == [b"\xff\xd8"]
