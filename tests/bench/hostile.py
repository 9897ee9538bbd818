# SPDX-License-Identifier: Apache-2.0
"""`make bench-hostile`: who means harm, at a running relay and webmail, beside who does not.

A fixed set of hostile mails, forms, handshakes and bundles is sent, while connections that drip
are open at each listener. A villager's phone and a device go on as ever, and measure how long they
wait.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from urllib.parse import urlencode, urlsplit

from mokanda_firmware.mailbox.people import accounts, first_steps, sessions
from mokanda_firmware.mailbox.store.database import Store
from mokanda_relay.operator import devices
from mokanda_relay.relay import open_relay
from mokanda_relay.store.settings import read_settings
from mokanda_wire import protocol
from mokanda_wire.claimfile import ClaimFile
from scripts.tools.deadlines import wait_until
from tests.ports import answers, reserved_port
from tests.ready_made.mail_store import write_mail_store
from tests.relay_device import RefusedByRelay, RelayDevice
from tests.relay_process import RelayProcess
from tests.stand_ins.sendgrid import SendGridStandIn

SECRET = "inbound-on-loopback"
PASSWORD = "elombe-2026"
AMINA = "amina@kitenge.example"
AT_ONCE = 8  # shapes under way
DRIPS = 40  # at each of the three listeners
SIZES = (10_000, 150_000)  # characters

# What is repeated in headers, fields and bodies.
PATTERNS = {
    "letters": "x",
    "blanks": " ",
    "tabs": "\t",
    "ats": "@",
    "commas": ",",
    "semicolons": ";",
    "opened": "<",
    "closed": ">",
    "quotes": '"',
    "brackets": "(",
    "backslashes": "\\",
    "encoded": "=?utf-8?q?=c3?= ",
    "addresses": "a@b.example,",
    "colons": ":",
    "tags": "<b>",
    "percents": "%",
    "bidi": "\u202e",
}


@dataclass
class Scene:
    """A relay and a webmail that run, and what is needed to get at them."""

    webmail: tuple[str, int]
    cookie: str
    csrf: str
    relay: tuple[str, int]
    operator: tuple[str, int]
    world: SendGridStandIn
    bomber: RelayDevice


@dataclass
class Waits:
    """How long the well-behaved waited for each answer, in seconds; how often for none."""

    seconds: list[float] = field(default_factory=list)
    unanswered: int = 0

    def measure(self, work: Callable[[], object]) -> None:
        """Do it and measure."""
        start = perf_counter()
        try:
            work()
        except (OSError, http.client.HTTPException, RefusedByRelay) as error:
            sys.stderr.write(f"unanswered: {error!r}\n")
            self.unanswered += 1
        self.seconds.append(perf_counter() - start)


Attack = Callable[[Scene], object]


def raw(where: tuple[str, int], data: bytes, address: str) -> None:
    """Send bytes, and hear what comes for a moment."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(where, timeout=5, source_address=(address, 0)) as caller,
    ):
        caller.sendall(data)
        caller.recv(4096)


def over_tls(where: tuple[str, int], data: bytes) -> None:
    """The same, behind a handshake."""
    context = ssl._create_unverified_context()
    with (
        contextlib.suppress(OSError),
        socket.create_connection(where, timeout=5, source_address=("127.0.0.3", 0)) as caller,
        context.wrap_socket(caller) as wrapped,
    ):
        wrapped.sendall(data)
        wrapped.recv(4096)


def beginnings() -> Iterator[tuple[str, bytes]]:
    """What is no request, or the beginning of one."""
    head = b"POST /login HTTP/1.1\r\nHost: x\r\n"
    yield "nothing", b""
    yield "a byte of TLS", b"\x16"
    yield "TLS of 1999", b"\x16\x03\x00\x00\x01\x01"
    yield "HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "zeros", bytes(100_000)
    yield "no end of the line", b"GET /" + b"x" * 200_000
    yield "no end of the head", head + b"X: y\r\n" * 20_000
    yield "ten thousand cookies", head + b"Cookie: a=b\r\n" * 2000 + b"\r\n"
    yield "a body that never comes", head + b"Content-Length: 60000\r\n\r\n"
    yield "a long one", head + b"Content-Length: 9999999999\r\n\r\n" + bytes(10_000)
    yield "a negative one", head + b"Content-Length: -1\r\n\r\n"
    yield "two lengths", head + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"
    yield "a chunk of a terabyte", head + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\nx"
    yield "chunks of a byte", head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 5000
    yield "a thousand requests", b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
    yield "expecting", head + b"Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n"
    yield "another's address", b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n"


def post_form(scene: Scene, path: str, fields: dict[str, str]) -> None:
    """Fill in a form as a villager who is logged in."""
    body = urlencode({"csrf": scene.csrf, **fields}, errors="surrogatepass").encode()
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(
            *scene.webmail, timeout=60, source_address=("127.0.0.4", 0)
        )
        with contextlib.closing(connection):
            headers = {
                "Cookie": scene.cookie,
                "Content-Type": "application/x-www-form-urlencoded",
            }
            connection.request("POST", path, body, headers)
            connection.getresponse().read()


def call(scene: Scene, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    """Ask the relay as a stranger."""
    connection = http.client.HTTPSConnection(
        *scene.relay,
        timeout=60,
        source_address=("127.0.0.3", 0),
        context=ssl._create_unverified_context(),
    )
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request(method, path, body, headers)
        connection.getresponse().read()


def upload(scene: Scene, data: bytes) -> None:
    """Send a bundle as a device that is known."""
    device = scene.bomber
    with contextlib.suppress(RefusedByRelay, OSError, http.client.HTTPException):
        device.pend(device.hello().applied_up + 1, data)
        device.hello()
        device.upload(0)


def attacks() -> Iterator[tuple[str, Attack]]:
    """All shapes, by name."""
    for name, data in beginnings():
        yield f"webmail: {name}", _raw("webmail", data, "127.0.0.5")
        yield f"relay: {name}", _raw("relay", data, "127.0.0.3")
        yield f"relay, TLS: {name}", _over_tls(data)
        yield f"operator: {name}", _raw("operator", data, "127.0.0.6")
    for (name, pattern), size in itertools.product(PATTERNS.items(), SIZES):
        text = pattern * (size // len(pattern))
        for header in ("To", "Subject", "References", "Content-Type", "body", "html"):
            yield f"mail: {header} of {name}, {size}", _mail(header, text)
        for place in ("to", "cc", "subject", "text"):
            yield f"letter: {place} of {name}, {size}", _letter(place, text)
    for name in ("letters", "bidi", "percents"):
        yield f"log-in: {name}", _log_in(PATTERNS[name] * 100_000)
    deep = b"\x81" * 5000
    bodies = {"nothing": b"", "zeros": bytes(8000), "deep": deep, "long": deep * 12}
    for name, body in bodies.items():
        for path in (protocol.CLAIM, protocol.HELLO, protocol.FAULT, protocol.ACK):
            headers = {protocol.DEVICE_HEADER: "kitenge"}
            yield f"{path}: {name}", _call("POST", path, body, headers)
        yield f"bundle: {name}", _upload(body)
    yield "bundle: random", _upload(random.Random(1).randbytes(500_000))
    headers = {protocol.OFFSET_HEADER: "0", protocol.TOKEN_HEADER: "guess"}
    yield "an upload of nobody's", _call("PUT", "/v1/up/1", bytes(3_000_000), headers)


def _raw(listener: str, data: bytes, address: str) -> Attack:
    return lambda scene: raw(getattr(scene, listener), data, address)


def _over_tls(data: bytes) -> Attack:
    return lambda scene: over_tls(scene.relay, data)


def _call(method: str, path: str, body: bytes, headers: dict[str, str]) -> Attack:
    return lambda scene: call(scene, method, path, body, headers)


def _upload(data: bytes) -> Attack:
    return lambda scene: upload(scene, data)


def _log_in(text: str) -> Attack:
    return lambda scene: post_form(scene, "/login", {"name": text, "password": text})


def _mail(header: str, text: str) -> Attack:
    if header == "body":
        message = f"From: ada@example.org\r\n\r\n{text}"
    elif header == "html":
        message = f"From: ada@example.org\r\nContent-Type: text/html\r\n\r\n{text}"
    else:
        message = f"From: ada@example.org\r\n{header}: {text}\r\n\r\nMbote"
    data = message.encode("utf-8", "surrogatepass")
    return lambda scene: scene.world.post_inbound(data, "ada@example.org", [AMINA])


def _letter(place: str, text: str) -> Attack:
    fields = {"to": "amina", "subject": "x", "text": "x", "send": "1"} | {place: text}
    return lambda scene: post_form(scene, "/write", fields)


@contextlib.contextmanager
def drips(scene: Scene) -> Iterator[None]:
    """Connections that send a byte now and then, at each listener, opened anew as they end."""
    ended = threading.Event()
    places = [
        (where, f"127.0.{network}.{number % 5 + 1}")
        for network, where in enumerate((scene.webmail, scene.relay, scene.operator), 2)
        for number in range(DRIPS)
    ]

    def drip() -> None:
        open_now: dict[int, socket.socket] = {}
        while not ended.wait(1):
            for number, (where, address) in enumerate(places):
                try:
                    if number not in open_now:
                        open_now[number] = socket.create_connection(
                            where, timeout=1, source_address=(address, 0)
                        )
                    open_now[number].sendall(b"G")
                except OSError:
                    if number in open_now:
                        open_now.pop(number).close()
        for each in open_now.values():
            each.close()

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def look_at_pages(scene: Scene, waits: Waits, ended: threading.Event) -> None:
    """What a villager does."""
    for path in itertools.cycle(("/", "/inbox", "/write", "/news")):
        if ended.is_set():
            return

        def look(path: str = path) -> None:
            connection = http.client.HTTPConnection(*scene.webmail, timeout=60)
            with contextlib.closing(connection):
                connection.request("GET", path, headers={"Cookie": scene.cookie})
                answer = connection.getresponse()
                answer.read()
                if answer.status not in (200, 303):
                    raise OSError(f"{path}: {answer.status}")

        waits.measure(look)


def sync_again(device: RelayDevice, waits: Waits, ended: threading.Event) -> None:
    """What a device does, in a connection of its own each time."""
    while not ended.is_set():
        device.disconnect()
        waits.measure(device.hello)


@contextlib.contextmanager
def a_scene(folder: Path) -> Iterator[tuple[Scene, RelayDevice]]:
    """Start everything, with a device and a villager who are well-behaved."""
    with SendGridStandIn() as world, contextlib.ExitStack() as stack:
        environment = {
            "MOKANDA_RELAY_URL": "https://127.0.0.1:1",
            "MOKANDA_INBOUND_SECRET": SECRET,
            "SENDGRID_API_KEY": "SG.bench",
            "SENDGRID_HOST": world.url,
            "SENDGRID_EVENT_KEY": world.public_key,
        }
        relay = open_relay(read_settings(environment, folder / "relay"), begin=True)
        claims = [devices.add(relay, name, f"{name}.example") for name in ("kitenge", "liputa")]
        relay.database.close()
        relay.keyring.close()
        process = stack.enter_context(RelayProcess(folder / "relay", environment))
        process.start()
        world.parse_url = f"{process.operator_url}/inbound/{SECRET}"
        device, bomber = (
            stack.enter_context(contextlib.closing(a_device(claim, process.device_url, folder)))
            for claim in claims
        )
        port = stack.enter_context(reserved_port())
        cookie, csrf = stack.enter_context(a_webmail(folder / "device", port))
        scene = Scene(
            ("127.0.0.1", port),
            cookie,
            csrf,
            _host_and_port(process.device_url),
            _host_and_port(process.operator_url),
            world,
            bomber,
        )
        yield scene, device


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def a_device(claim: ClaimFile, url: str, folder: Path) -> RelayDevice:
    """A device that has claimed itself and told who lives there."""
    device = RelayDevice(claim._replace(relay=url), folder / claim.device)
    device.claim()
    device.freeze(residents=("amina",))
    device.sync()
    return device


@contextlib.contextmanager
def a_webmail(data: Path, port: int) -> Iterator[tuple[str, str]]:
    """A webmail with a villager in it; yields the cookie, and what the forms have to say."""
    write_mail_store(data / "mail.db")
    with contextlib.closing(Store(data / "mail.db", data / "attachments")) as store:
        amina = accounts.register(store, "amina", "Amina", PASSWORD, "en")
        first_steps.end(store)
        token = sessions.open_session(store, amina.id)
    environment = {**os.environ, "MOKANDA_DATA": str(data), "MOKANDA_RUN": str(data / "run")}
    command = [sys.executable, "-m", "mokanda_firmware.webmail", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port), "the webmail", 30)
            csrf = _csrf(port, f"mokanda={token}")
            yield f"mokanda={token}", csrf
        finally:
            process.terminate()


def _csrf(port: int, cookie: str) -> str:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/write", headers={"Cookie": cookie})
        page = connection.getresponse().read().decode()
    return page.partition('name="csrf" value="')[2].partition('"')[0]


def main() -> int:
    """Try all, and tell how it went."""
    shapes = list(attacks())
    ended = threading.Event()
    villager, device_waits = Waits(), Waits()
    with tempfile.TemporaryDirectory() as folder, a_scene(Path(folder)) as (scene, device):
        measuring = [
            threading.Thread(target=look_at_pages, args=(scene, villager, ended)),
            threading.Thread(target=sync_again, args=(device, device_waits, ended)),
        ]
        for thread in measuring:
            thread.start()
        with drips(scene), ThreadPoolExecutor(AT_ONCE) as pool:
            for number, done in enumerate(
                [pool.submit(attack, scene) for _, attack in shapes], start=1
            ):
                done.result()
                if number % 50 == 0:
                    sys.stderr.write(f"{number} of {len(shapes)}\n")
        ended.set()
        for thread in measuring:
            thread.join()
    for name, waits in {"a villager": villager, "a device": device_waits}.items():
        most = max(waits.seconds)
        sys.stdout.write(f"{name}: {len(waits.seconds)} answers, the slowest after {most:.2f} s\n")
    unanswered = villager.unanswered + device_waits.unanswered
    worst = max(villager.seconds + device_waits.seconds)
    told = {"tried": len(shapes), "unanswered": unanswered, "worst_wait_s": round(worst, 2)}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if unanswered else 0


if __name__ == "__main__":
    sys.exit(main())
