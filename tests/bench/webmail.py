# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201 - a table is what it is for
"""The webmail beside its predecessor's client: the same letters, the same questions, one run.

    python -m tests.bench.webmail [--letters 10000]

Both run as they do on a device, under their own servers, asked over a connection that stays open.
Each question is asked of both by turns; the table has medians. Lokole's list holds the whole of ten
letters, so opening one there is its list and its mark of what was read. The last line is JSON;
ratios are ours / theirs.
"""

import argparse
import base64
import gzip
import hashlib
import html
import http.client
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, perf_counter
from urllib.parse import urlencode

from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.people import accounts, first_steps
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.message import Attachment, Mailbox, Message

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "build" / "bench" / "webmail"
PEER = Path(__file__).parent / "peer"
DOMAIN = "boende.lokole.ca"
READER = f"awa@{DOMAIN}"
PASSWORD = "elombe-2026"  # of stores made for the measurement
REPETITIONS = 5
RARE, COMMON = "crocodile", "village"

WORDS = (
    "village marché route pont rivière école maison enfant mère père champ manioc poisson argent"
    " lettre nouvelle semaine demain santé médecin pluie saison voyage bateau travail téléphone"
    " photo mariage fête église réunion parents jeudi samedi prix sac riz huile semence pirogue"
).split()


@dataclass(frozen=True)
class Mail:
    """A letter for both stores; `photo` is empty for most."""

    number: int
    sender: str
    subject: str
    text: str
    date: datetime
    photo: bytes


def main() -> None:
    """Fill both stores, ask both, print the table."""
    parser = argparse.ArgumentParser(description="Measure the webmail beside Lokole's client.")
    parser.add_argument("--letters", type=int, default=10_000, help="default: %(default)s")
    count = parser.parse_args().letters
    say("installing Lokole's client")
    environment = peer_environment()
    shutil.rmtree(FOLDER / "stores", ignore_errors=True)
    say(f"filling our store with {count} letters")
    fill_ours(list(letters(count)))
    say(f"filling Lokole's store with {count} letters")
    fill_theirs(environment, letters(count))
    say("asking both")
    with ExitStack() as stack:
        ours = stack.enter_context(our_server())
        theirs = stack.enter_context(their_server(environment))
        report(measure(ours, theirs), ours, theirs)


def say(text: str) -> None:
    """Tell what goes on."""
    print(text, file=sys.stderr, flush=True)


def letters(count: int) -> Iterator[Mail]:
    """Make letters, always the same ones: one in five with a photo of 50 KB."""
    chance = random.Random(2026)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(count):
        words = [chance.choice(WORDS) for _ in range(chance.randint(20, 200))]
        if number % 1000 == 500:
            words.append(RARE)
        photo = chance.randbytes(50_000) if number % 5 == 0 else b""
        yield Mail(
            number,
            f"friend{chance.randint(0, 300)}@example.org",
            " ".join(chance.choice(WORDS) for _ in range(4)).capitalize(),
            " ".join(words),
            start + timedelta(hours=number),
            photo,
        )


def fill_ours(mails: list[Mail]) -> None:
    """Deliver the letters to Awa."""
    os.environ["MOKANDA_DATA"] = str(FOLDER / "stores" / "ours")
    os.environ["MOKANDA_RUN"] = str(FOLDER / "stores" / "run")
    SetupStatus(SetupState.CLAIMED, village="Boende", domain=DOMAIN).publish()
    store = Store.of_device()
    accounts.register(store, "awa", "Awa", PASSWORD, "en")
    first_steps.end(store)
    for mail in mails:
        if mail.photo:
            with store.incoming_attachment() as incoming:
                incoming.write(mail.photo)
                incoming.keep()
    with store.transaction() as connection:
        for mail in mails:
            entries.deliver(connection, our_message(mail), [READER])
    store.close()


def our_message(mail: Mail) -> Message:
    """Make our form of a letter."""
    photos: tuple[Attachment, ...] = ()
    if mail.photo:
        digest = hashlib.sha256(mail.photo).hexdigest()
        photos = (Attachment("photo.jpg", "image/jpeg", digest, len(mail.photo)),)
    return Message(
        message_id=f"{mail.number}@example.org",
        date=mail.date,
        sender=Mailbox(mail.sender),
        to=(Mailbox(READER),),
        cc=(),
        subject=mail.subject,
        text=mail.text,
        attachments=photos,
    )


def peer_environment() -> dict[str, str]:
    """Install Lokole's client into an environment of its own, once."""
    folder = FOLDER / "lokole"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        requirements = PEER / "requirements.txt"
        subprocess.run(
            [folder / "bin" / "pip", "install", "--quiet", "--requirement", requirements],
            env={**os.environ, "PIP_CONSTRAINT": str(requirements)},
            check=True,
        )
        (folder / ".ready").touch()
    state = FOLDER / "stores" / "theirs"
    return {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "OPWEN_STATE_DIRECTORY": str(state),
        "OPWEN_CLIENT_NAME": "boende",
        "OPWEN_CLIENT_ID": "boende",
        "OPWEN_SESSION_KEY": "measured",
        "SECURITY_PASSWORD_SALT": "measured",
    }


def fill_theirs(environment: dict[str, str], mails: Iterator[Mail]) -> None:
    """Deliver the letters to Awa."""
    Path(environment["OPWEN_STATE_DIRECTORY"]).mkdir(parents=True)
    with subprocess.Popen(
        ["python", PEER / "fill.py", READER, PASSWORD],
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        for mail in mails:
            line: dict[str, object] = {
                "to": [READER],
                "from": mail.sender,
                "subject": mail.subject,
                "body": mail.text,
                "sent_at": f"{mail.date:%Y-%m-%d %H:%M}",
            }
            if mail.photo:
                content = base64.b64encode(mail.photo).decode()
                line["attachments"] = [{"filename": "photo.jpg", "content": content}]
            print(json.dumps(line), file=process.stdin)
    if process.returncode:
        sys.exit("Lokole's store could not be filled")


class Browser:
    """One connection that stays open, logged in."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._cookies: dict[str, str] = {}

    def ask(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, bytes, bytes]:
        """Get a page, or send a form; return status, the bytes that came, and the page."""
        headers = {
            "Accept-Encoding": "gzip",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        body = None
        if fields is not None:
            body = urlencode(fields).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        method = "GET" if body is None else "POST"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except http.client.RemoteDisconnected:  # it idled while the other one was asked
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        raw = answer.read()
        page = gzip.decompress(raw) if answer.headers["Content-Encoding"] == "gzip" else raw
        return answer.status, raw, page

    def log_in(self, path: str, token: str, fields: dict[str, str]) -> None:
        """Fill in the form at `path`, whose hidden field `token` comes along."""
        page = self.ask("/" if path == "/login" else path)[2].decode()
        found = re.search(rf'name="{token}"[^>]*value="([^"]*)"', page)
        hidden = {token: html.unescape(found[1])} if found else {}
        answered = self.ask(path, {**hidden, **fields})
        if answered[0] not in {302, 303}:
            sys.exit(f"cannot log in at {path}: {answered[0]}\n{answered[2].decode()[:2000]}")

    def memory(self) -> float:
        """The memory of the server and its children, in megabytes."""
        pids = [self.process.pid]
        children = Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split()
        pids += [int(child) for child in children]
        found = (Path(f"/proc/{pid}/status").read_text() for pid in pids)
        return sum(int(re.findall(r"VmRSS:\s+([0-9]+)", text)[0]) for text in found) / 1024


@contextmanager
def our_server() -> Iterator[Browser]:
    """Run our webmail."""
    port = free_port()
    command = [sys.executable, "-m", "mokanda_firmware.webmail", "--listen", f"127.0.0.1:{port}"]
    with running(command, dict(os.environ), port) as process:
        browser = Browser(port, process)
        browser.log_in("/login", "csrf", {"name": "awa", "password": PASSWORD})
        yield browser


@contextmanager
def their_server(environment: dict[str, str]) -> Iterator[Browser]:
    """Run Lokole's client under the server of its installation, with one worker."""
    port = free_port()
    command = ["gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    command += ["--worker-class", "gthread", "--keep-alive", "60", "--timeout", "300"]
    command.append("opwen_email_client.webapp:app")
    with running(command, environment, port) as process:
        browser = Browser(port, process)
        browser.log_in("/user/login", "csrf_token", {"email": READER, "password": PASSWORD})
        yield browser


@contextmanager
def running(
    command: list[str], environment: dict[str, str], port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends."""
    with (FOLDER / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            end = monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    if process.poll() is not None or monotonic() > end:
                        sys.exit(f"{command[0]} does not run: see {log.name}")
            yield process
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    """Find a port that nothing listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class Row:
    """A question and what it took: milliseconds, and bytes over the air."""

    name: str
    ours: float
    our_bytes: int
    theirs: float
    their_bytes: int

    @property
    def ratio(self) -> float:
        """How much of their time we take."""
        return self.ours / self.theirs


def measure(ours: Browser, theirs: Browser) -> list[Row]:
    """Ask both the same by turns."""
    entry = re.search(rb'href="(/mail/[0-9]+)"', ours.ask("/inbox")[2])
    uid = re.search(rb"/email/read/([0-9a-f-]+)", theirs.ask("/email/inbox")[2])
    uid = uid or re.search(rb'data-email-uid="([^"]+)"', theirs.ask("/email/inbox")[2])
    assert entry is not None
    letter = entry[1].decode()
    their_open = ["/email/inbox"] + ([f"/email/read/{uid[1].decode()}"] if uid else [])
    questions = {
        "list": (["/inbox"], ["/email/inbox"]),
        "list, a page in the middle": (["/inbox?before=5000"], ["/email/inbox/500"]),
        "search, a rare word": ([f"/search?q={RARE}"], [f"/email/search?query={RARE}"]),
        "search, a common word": ([f"/search?q={COMMON}"], [f"/email/search?query={COMMON}"]),
        "open": ([letter], their_open),
    }
    rows = []
    for name, (our_paths, their_paths) in questions.items():
        times: tuple[list[float], list[float]] = ([], [])
        sizes = [0, 0]
        for turn in range(REPETITIONS + 1):
            for which, (browser, paths) in enumerate([(ours, our_paths), (theirs, their_paths)]):
                start = perf_counter()
                sizes[which] = sum(asked(browser, path) for path in paths)
                if turn:  # the first one warms up
                    times[which].append((perf_counter() - start) * 1000)
        medians = [statistics.median(one) for one in times]
        rows.append(Row(name, medians[0], sizes[0], medians[1], sizes[1]))
    return rows


def asked(browser: Browser, path: str) -> int:
    """Get a page; return how many bytes came."""
    answered, raw, page = browser.ask(path)
    if answered != 200:
        sys.exit(f"{path}: {answered}\n{page.decode()[:2000]}")
    return len(raw)


def report(rows: list[Row], ours: Browser, theirs: Browser) -> None:
    """Print the table, and its figures as JSON."""
    print(f"{'':28}{'ours ms':>10}{'bytes':>9}{'Lokole ms':>12}{'bytes':>9}{'ratio':>8}")
    for row in rows:
        print(
            f"{row.name:28}{row.ours:10.2f}{row.our_bytes:9}{row.theirs:12.2f}"
            f"{row.their_bytes:9}{row.ratio:8.3f}"
        )
    print(f"{'memory, MB':28}{ours.memory():10.1f}{'':9}{theirs.memory():12.1f}")
    worst = {
        kind: max(row.ratio for row in rows if row.name.startswith(kind))
        for kind in ("list", "search", "open")
    }
    figures = {f"{kind}_ratio": round(ratio, 4) for kind, ratio in worst.items()}
    print(
        json.dumps(
            {**figures, "inbox_gzip_bytes": rows[0].our_bytes, "rss_mb": round(ours.memory(), 1)}
        )
    )


if __name__ == "__main__":
    main()
