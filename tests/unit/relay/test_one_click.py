# SPDX-License-Identifier: Apache-2.0
"""A URL that a stranger has written is posted to, if it leads nowhere else than it should."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mokanda_relay.store.certificate import ensure_certificate
from mokanda_relay.transport import one_click
from mokanda_relay.transport.one_click import NotPublicError, Outcome, is_public, public_address

URL = "https://shop.example/leave?id=1"


class Shop:
    """A server that answers as its test wants, and keeps what it was sent."""

    def __init__(self, folder: Path) -> None:
        self.status, self.location, self.drips = 200, "", False
        self.posts: list[tuple[str, str, bytes]] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shop.posts.append((self.headers["Host"], self.path, body))
                while shop.drips:
                    self.wfile.write(b"H")
                    time.sleep(0.05)
                self.send_response(shop.status)
                if shop.location:
                    self.send_header("Location", shop.location)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        ensure_certificate(folder / "certificate.pem", folder / "key.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.trust = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
        self.trust.check_hostname = False
        self.trust.verify_mode = ssl.CERT_NONE

    def click(self, url: str = URL) -> Outcome:
        address = self.server.server_address
        return one_click.post(
            url, look_up=lambda _: (str(address[0]), int(address[1])), context=self.trust
        )


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.drips = False
    made.server.shutdown()
    made.server.server_close()


def test_it_posts_what_rfc_8058_says(shop: Shop) -> None:
    assert shop.click() == "done"
    assert shop.posts == [("shop.example", "/leave?id=1", b"List-Unsubscribe=One-Click")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(202, "done"), (404, "refused"), (500, "unknown"), (429, "unknown"), (302, "refused")],
)
def test_the_answer_says_what_came_of_it(shop: Shop, status: int, outcome: str) -> None:
    shop.status, shop.location = status, "https://127.0.0.1/"
    assert shop.click() == outcome
    assert len(shop.posts) == 1  # no redirect is followed


def test_whoever_answers_drop_by_drop_is_left(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_click, "_WALL", 0.3)
    shop.drips = True
    assert shop.click() == "unknown"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "https://shop.example:8443/",
        "https://user:word@shop.example/",
        "https:///leave",
        "https://[::1/",
        "https://shop.example:99999/",
        f"https://{'a' * 300}.example/",
        "ftp://shop.example/",
        "",
    ],
)
def test_other_urls_are_not_looked_at(shop: Shop, url: str) -> None:
    assert shop.click(url) == "refused"
    assert shop.posts == []


def test_a_path_cannot_smuggle_a_header(shop: Shop) -> None:
    assert shop.click("https://shop.example/a b") == "refused"
    assert shop.posts == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.4.1", "172.16.0.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1"),
        *("::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


def test_one_address_that_is_not_public_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, 1, 6, "", (each, 443)) for each in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with pytest.raises(NotPublicError):
        public_address("shop.example")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::1]"])
def test_no_name_of_this_machine_is_posted_to(host: str) -> None:
    assert one_click.post(f"https://{host}/") in {"refused", "unknown"}
