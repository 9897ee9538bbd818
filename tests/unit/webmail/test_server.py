# SPDX-License-Identifier: Apache-2.0
"""The webmail as it runs on the device: a process of its own, asked over real connections."""

import contextlib
import gzip
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode

import pytest

from mokanda_firmware.mailbox.people import first_steps
from mokanda_firmware.mailbox.store.database import Store
from tests.ready_made.mail_store import write_mail_store
from tests.webmail_process import webmail_process

PASSWORD = "elombe-2026"
BOUNDARY = "----phone"


class Server:
    """A running webmail and the store it serves."""

    def __init__(self, process: subprocess.Popen[str], port: int, store: Store) -> None:
        self.process = process
        self.port = port
        self.store = store
        self._addresses = (f"127.0.0.{number}" for number in range(2, 255))

    def browser(self) -> "Browser":
        """A phone with an address of its own."""
        return Browser(self.port, next(self._addresses))

    def rows(self, table: str) -> list[dict[str, object]]:
        with self.store.reading() as connection:
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]

    def peak_memory(self) -> int:
        """The most memory it has had, in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"VmHWM:\s+([0-9]+) kB", text)
        assert match is not None
        return int(match[1]) * 1024


class Browser:
    """One connection that is kept open, and its cookies."""

    def __init__(self, port: int, address: str) -> None:
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=30, source_address=(address, 0)
        )
        self.cookie = ""

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, {"Cookie": self.cookie, **named})
        answer = self.connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            self.cookie = cookie.partition(";")[0]
        return answer.status, answer.headers, answer.read()

    def token(self, path: str = "/register") -> str:
        match = re.search(rb'name="csrf" value="([0-9a-f]+)"', self.ask("GET", path)[2])
        assert match is not None
        return match[1].decode()

    def register(self, name: str) -> None:
        fields = {"csrf": self.token(), "name": name, "display_name": name}
        fields |= {"password": PASSWORD, "again": PASSWORD}
        status, _, _ = self.ask(
            "POST",
            "/register",
            urlencode(fields).encode(),
            Content_Type="application/x-www-form-urlencoded",
        )
        assert status == 200


def letter(token: str, **fields: str) -> tuple[bytes, bytes]:
    """The start and the end of a form; a file's content goes between them."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"csrf": token, "send": "1", **fields}.items()
    ]
    parts.append(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="video.mp4"\r\n'
        "Content-Type: video/mp4\r\n\r\n"
    )
    return "".join(parts).encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


def files(server: Server) -> list[Path]:
    """Every file of the folder of attachments."""
    folder = server.store.path.parent / "attachments"
    return [path for path in folder.rglob("*") if path.is_file()]


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "it did not come to pass"
        threading.Event().wait(0.02)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    data = tmp_path / "data"
    monkeypatch.setenv("MOKANDA_DATA", str(data))
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    write_mail_store(data / "mail.db")
    store = Store(data / "mail.db", data / "attachments")
    first_steps.end(store)  # they have tests of their own
    with webmail_process() as (process, port, said):
        assert said == []
        yield Server(process, port, store)
        process.terminate()
        process.communicate()
    store.close()


def test_it_ends_when_it_is_told_to(server: Server) -> None:
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=20) == 0


@pytest.mark.parametrize(
    ("host", "path", "led_to"),
    [
        ("example.org", "/", "/portal"),
        ("example.org", "/no/page", "/portal"),
        ("www.example.org:80", "/mail/1/original?x=1", "/mail/1/original?x=1"),
        ("mokanda", "/inbox", "/inbox"),
        ("a b\xff", "/write?to=jo@x.example", "/write?to=jo@x.example"),
    ],
)
def test_every_name_of_the_world_leads_to_the_address(
    server: Server, host: str, path: str, led_to: str
) -> None:
    browser = server.browser()
    browser.register("awa")
    status, headers, _ = browser.ask("GET", path, Host=host, Cookie="prefs={}; a/b=1")
    assert (status, headers["Location"]) == (302, f"http://127.0.0.1:{server.port}{led_to}")
    assert headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in headers


def test_a_whole_address_counts_for_more_than_the_host_header(server: Server) -> None:
    browser = server.browser()
    browser.register("awa")
    browser.ask("GET", "/inbox")
    whole = "http://captive.apple.com/hotspot-detect.html"
    status, _, body = browser.ask("GET", whole, Host=f"127.0.0.1:{server.port}")
    assert (status, b"Success" in body) == (200, True)


@pytest.mark.parametrize("host", ["10.1.2.3", "192.168.73.1:80", "[fe80::1]:80", "localhost:8080"])
def test_under_any_address_it_is_served(server: Server, host: str) -> None:
    server.browser().register("awa")
    assert server.browser().ask("GET", "/", Host=host)[0] == 200


def test_a_form_is_taken_under_any_name(server: Server) -> None:
    browser = server.browser()
    browser.register("awa")
    form = urlencode({"csrf": browser.token("/write"), "to": "awa", "text": "Mbote", "send": "1"})
    form_type = "application/x-www-form-urlencoded"
    status, headers, _ = browser.ask(
        "POST", "/write", form.encode(), Content_Type=form_type, Host="www.example.org"
    )
    assert (status, headers["Location"]) == (303, "/sent?note=delivered")


@pytest.mark.parametrize(
    "cookies",
    [
        b"mokanda=%s; mokanda=",
        b"mokanda=; mokanda=%s",
        b'mokanda="%s"',
        b"caf\xc3\xa9=\xff\xfe; mokanda=%s",
        b"; ".join(b'site%d={"v":%d}' % (n, n) for n in range(200)) + b"; mokanda=%s",
        b";;= ;mokanda=%s;",
    ],
)
def test_a_phone_with_cookies_of_all_kinds_stays_logged_in(server: Server, cookies: bytes) -> None:
    browser = server.browser()
    browser.register("awa")
    token = browser.cookie.partition("=")[2]
    browser.cookie = (cookies % token.encode()).decode("latin-1")
    assert browser.ask("GET", "/inbox")[0] == 200


def test_help_says_how_to_call_it() -> None:
    text = subprocess.run(
        [sys.executable, "-m", "mokanda_firmware.webmail", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--listen HOST:PORT" in text


@pytest.mark.parametrize("address", ["80", "host:", "host:x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "mokanda_firmware.webmail", "--listen", address],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert "is not HOST:PORT" in answer.stderr


def test_an_inbox_of_twenty_letters_takes_four_kilobytes(server: Server) -> None:
    awa = server.browser()
    awa.register("awa")
    for number in range(20):
        fields = {"csrf": awa.token("/write"), "send": "1", "to": "awa", "once": str(number)}
        fields["subject"] = f"Letter {number} about the market on Saturday"
        awa.ask(
            "POST",
            "/write",
            urlencode(fields).encode(),
            Content_Type="application/x-www-form-urlencoded",
        )
    _, headers, body = awa.ask("GET", "/inbox", Accept_Encoding="gzip, deflate")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body).count(b'href="/mail/') == 20
    assert len(body) <= 4000
    assert "Content-Encoding" not in awa.ask("GET", "/inbox")[1]


def test_a_video_of_forty_megabytes_gets_a_page_and_takes_no_memory(server: Server) -> None:
    awa = server.browser()
    awa.register("awa")
    start, end = letter(awa.token("/write"), to="awa", text="Regarde")
    before = server.peak_memory()
    status, _, page = awa.ask(
        "POST",
        "/write",
        start + bytes(40_000_000) + end,
        Content_Type=f"multipart/form-data; boundary={BOUNDARY}",
    )
    assert status == 413
    assert b"may have 10.0 MB together" in page
    assert b"Regarde</textarea>" in page
    assert server.peak_memory() - before < 5_000_000
    assert files(server) == []
    assert awa.ask("GET", "/inbox")[0] == 200


def test_a_file_goes_to_the_disk_in_little_memory_and_comes_back(server: Server) -> None:
    awa = server.browser()
    awa.register("awa")
    start, end = letter(awa.token("/write"), to="awa")
    photo = os.urandom(9_900_000)
    before = server.peak_memory()
    status, _, _ = awa.ask(
        "POST",
        "/write",
        start + photo + end,
        Content_Type=f"multipart/form-data; boundary={BOUNDARY}",
    )
    assert status == 303
    number = next(row["id"] for row in server.rows("entry") if row["folder"] == "inbox")
    assert awa.ask("GET", f"/mail/{number}/file/0")[2] == photo
    part = awa.ask("GET", f"/mail/{number}/file/0", Range="bytes=1000-1999")
    assert (part[0], part[2]) == (206, photo[1000:2000])
    assert server.peak_memory() - before < 5_000_000


@pytest.mark.parametrize("character", [b"%", b"%25", b'"'])
def test_ten_large_forms_at_once_of_who_is_not_logged_in_have_room(
    server: Server, character: bytes
) -> None:
    server.browser().register("awa")
    widest = "\U0001f600".encode()  # has every character of its text take four bytes

    def post(number: int) -> None:
        phone = server.browser()
        kept = widest + character * (950_000 // len(character))
        status, _, page = phone.ask(
            "POST",
            "/login",
            f"csrf={phone.token('/')}&name=awa{number}&password=x&kept-text=".encode() + kept,
            Content_Type="application/x-www-form-urlencoded",
        )
        assert status == 403
        assert page.startswith(b"\x1f\x8b")

    at_once(post, 10)
    assert server.peak_memory() < 130_000_000  # of the 160 MB that the unit has


def break_off(phone: Browser, text: str) -> None:
    """Send a third of a letter with a file, and go out of range."""
    start, end = letter(phone.token("/write"), to="ben", text=text)
    head = (
        f"POST /write HTTP/1.1\r\nHost: x\r\nCookie: {phone.cookie}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {len(start) + 1_000_000 + len(end)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", phone.connection.port)) as connection:
        connection.sendall(head.encode() + start + bytes(300_000))


def test_an_upload_that_breaks_off_leaves_its_text_as_a_draft(server: Server) -> None:
    awa = server.browser()
    awa.register("awa")
    break_off(awa, text="Nearly sent")
    wait_for(lambda: len(server.rows("draft")) == 1)
    assert "Nearly sent" in str(server.rows("draft")[0]["fields"])
    assert server.rows("draft_attachment") == []
    wait_for(lambda: files(server) == [])


def at_once(work: Callable[[int], None], number: int) -> None:
    """Do this work for 0, 1 ... in as many threads."""
    with ThreadPoolExecutor(number) as pool:
        for done in [pool.submit(work, each) for each in range(number)]:
            done.result()


def write(phone: Browser, subject: str) -> None:
    start, end = letter(phone.token("/write"), to="awa", subject=subject)
    status, _, _ = phone.ask(
        "POST",
        "/write",
        start + os.urandom(50_000) + end,
        Content_Type=f"multipart/form-data; boundary={BOUNDARY}",
    )
    assert status == 303


def test_forty_phones_at_once_lose_nothing(server: Server) -> None:
    server.browser().register("awa")

    def register_and_write(number: int) -> None:
        phone = server.browser()
        phone.register(f"villager{number}")
        write(phone, str(number))

    at_once(register_and_write, 40)
    assert sum(row["folder"] == "inbox" for row in server.rows("entry")) == 40


def test_phones_that_go_out_of_range_disturb_nobody(server: Server) -> None:
    server.browser().register("awa")
    phones = [server.browser() for _ in range(40)]
    for number, phone in enumerate(phones):
        phone.register(f"villager{number}")
        phone.connection.close()  # rather than have the server do it while the others register

    def use(number: int) -> None:
        phone = phones[number]
        if number % 4 == 0:
            break_off(phone, text=f"Nearly sent by {number}")
        elif number % 4 == 1:
            for path in ("/inbox", "/search?q=sent", "/people", "/news", "/device") * 4:
                assert phone.ask("GET", path)[0] == 200
        else:
            write(phone, str(number))

    at_once(use, 40)
    wait_for(lambda: len(server.rows("draft")) == 10)
    assert server.rows("draft_attachment") == []
    letters = [row for row in server.rows("entry") if row["folder"] == "inbox"]
    assert len(letters) == 20
    wait_for(lambda: len(files(server)) == 20)


def test_a_slow_phone_keeps_the_others_from_nothing(server: Server) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for phone in slow:
        phone.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nname=")
    assert server.browser().ask("GET", "/")[0] == 200
    for phone in slow:
        phone.close()


def test_forty_connections_that_drip_stop_nobody(server: Server) -> None:
    """A byte of a head now and then, and as slow a body; from five phones."""
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
    ended = threading.Event()
    with contextlib.ExitStack() as stack:
        drips = []
        for number in range(40):
            where = (f"127.0.1.{number % 5}", 0)
            drip = socket.create_connection(("127.0.0.1", server.port), source_address=where)
            drip.sendall(head if number % 2 else head + b"\r\n")
            drips.append(stack.enter_context(drip))

        def send() -> None:
            while not ended.wait(0.5):
                for drip in drips:
                    with contextlib.suppress(OSError):
                        drip.sendall(b"x")

        thread = threading.Thread(target=send)
        thread.start()
        try:
            assert server.browser().ask("GET", "/")[0] == 200
        finally:
            ended.set()
            thread.join()
