# SPDX-License-Identifier: Apache-2.0
"""Downloads from a real HTTP server whose link breaks."""

import hashlib
import http.client
import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.updates import download
from mokanda_firmware.updates.download import FailedDownloadError, InterruptedDownloadError
from mokanda_firmware.uplink.failures import LinkError
from mokanda_firmware.uplink.offer import Offer
from tests.serving import serving

CONTENT = os.urandom(300_000)
PATH = "/v1/release/orangepi-zero-1.1.0.raucb"
OFFER = Offer("1.1.0", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), PATH)


@dataclass
class Plain:
    """A connection without TLS."""

    connection: http.client.HTTPConnection

    def get(self, path: str, offset: int) -> http.client.HTTPResponse:
        self.connection.request("GET", path, headers={"Range": f"bytes={offset}-"})
        return self.connection.getresponse()


class Relay:
    """Serves `content`, at most `allowance` bytes of it a connection, and keeps what was asked."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.allowance = 10**9
        self.status = 0  # to answer instead, when it is not 0
        self.ranges: list[str] = []
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                relay.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range", "bytes=0-")
        self.ranges.append(wanted)
        if self.status or handler.path != PATH:
            handler.send_error(self.status or 404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        size = len(self.content)
        handler.send_response(206)
        handler.send_header("Content-Length", str(size - start))
        handler.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        handler.end_headers()
        handler.wfile.write(self.content[start : start + self.allowance])

    @contextmanager
    def link(self) -> Iterator[Plain]:
        port = self.server.server_port
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            yield Plain(connection)


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay()
    with serving(relay.server):
        yield relay


def fetch(relay: Relay, folder: Path) -> bytes:
    return download.fetch(relay.link, OFFER, folder, lambda _done: None).read_bytes()


def test_the_whole_file_arrives(relay: Relay, tmp_path: Path) -> None:
    assert fetch(relay, tmp_path) == CONTENT


def test_progress_ends_with_the_size(relay: Relay, tmp_path: Path) -> None:
    seen: list[int] = []
    download.fetch(relay.link, OFFER, tmp_path, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == OFFER.size


def test_a_broken_link_costs_nothing_that_arrived(relay: Relay, tmp_path: Path) -> None:
    relay.allowance = 100_000
    assert fetch(relay, tmp_path) == CONTENT
    assert relay.ranges == ["bytes=0-", "bytes=100000-", "bytes=200000-"]


def test_a_link_that_brings_nothing_is_given_up(relay: Relay, tmp_path: Path) -> None:
    (tmp_path / f"{OFFER.sha256}.part").write_bytes(CONTENT[:1000])
    relay.allowance = 0
    with pytest.raises(InterruptedDownloadError, match="goes on after the next mail run"):
        fetch(relay, tmp_path)
    relay.allowance = 10**9
    assert fetch(relay, tmp_path) == CONTENT
    assert relay.ranges[-1] == "bytes=1000-"


def test_a_fetched_update_is_not_fetched_again(relay: Relay, tmp_path: Path) -> None:
    fetch(relay, tmp_path)
    fetch(relay, tmp_path)
    assert len(relay.ranges) == 1


def test_a_part_that_is_complete_needs_no_link(relay: Relay, tmp_path: Path) -> None:
    (tmp_path / f"{OFFER.sha256}.part").write_bytes(CONTENT)
    assert fetch(relay, tmp_path) == CONTENT
    assert relay.ranges == []


def test_a_damaged_update_is_thrown_away(relay: Relay, tmp_path: Path) -> None:
    relay.content = bytes(len(CONTENT))
    with pytest.raises(FailedDownloadError, match="damaged"):
        fetch(relay, tmp_path)
    assert list(tmp_path.glob("*.*")) == []


def test_what_is_left_of_other_updates_goes(relay: Relay, tmp_path: Path) -> None:
    (tmp_path / f"{'0' * 64}.part").write_bytes(b"old")
    (tmp_path / f"{'1' * 64}.raucb").write_bytes(b"old")
    fetch(relay, tmp_path)
    assert [path.name for path in tmp_path.glob("*.*")] == [f"{OFFER.sha256}.raucb"]


def test_an_update_that_the_relay_took_back(relay: Relay, tmp_path: Path) -> None:
    relay.status = 404
    with pytest.raises(FailedDownloadError, match="does not give the update"):
        fetch(relay, tmp_path)


def test_a_relay_in_trouble_is_asked_again_later(relay: Relay, tmp_path: Path) -> None:
    relay.status = 503
    with pytest.raises(InterruptedDownloadError):
        fetch(relay, tmp_path)


def test_another_file_under_the_same_name_is_not_appended(relay: Relay, tmp_path: Path) -> None:
    (tmp_path / f"{OFFER.sha256}.part").write_bytes(CONTENT[:1000])
    relay.content = CONTENT + b"more"
    with pytest.raises(FailedDownloadError, match="not the one that it offered"):
        fetch(relay, tmp_path)


def test_no_way_to_the_relay(tmp_path: Path) -> None:
    def no_link() -> AbstractContextManager[Plain]:
        raise LinkError(Sentence("No modem is plugged in."))

    with pytest.raises(InterruptedDownloadError, match="No modem is plugged in"):
        download.fetch(no_link, OFFER, tmp_path, lambda _done: None)


def test_a_full_card_is_said_before_anything_is_fetched(
    relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(0, 0, download.RESERVE))
    with pytest.raises(FailedDownloadError, match=r"no room .*300 KB"):
        fetch(relay, tmp_path)
    assert relay.ranges == []
