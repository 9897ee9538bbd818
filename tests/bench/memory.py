# SPDX-License-Identifier: Apache-2.0
"""`make bench-memory`: the most memory that anybody can make courier, webmail and relay take.

The courier's figure is that of a process of its own for each bundle: it opens and applies what a
relay may send, and seals what villagers may write. Webmail and relay run as ever, while hostile
forms, mails and bundles are sent to them. GnuPG's processes, and those that read mail, count for
whom they work.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_wire.bundle import BOARD, LIMITS, BundleError, Mail, decode
from mokanda_wire.envelope import Keyring
from mokanda_wire.history import History
from tests.bench import hostile
from tests.bench.courier_work import WORDS, files, letters, plain, texts
from tests.bench.hostile import AMINA, Scene, a_scene
from tests.unit.mailbox.letters import bundle_down

MEGABYTE = 1024 * 1024
# What the units of the board allow, and what the smallest server has; in MB.
MOST = {"courier": 128, "webmail": 160, "relay": 1536}


def peak(work: str, folder: Path, name: str) -> int:
    """The most memory that a courier's work takes, in bytes, GnuPG's included."""
    command = [sys.executable, "-m", "tests.bench.courier_work", work, str(folder), name]
    gnupg = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            gnupg = max(gnupg, sum(memory(each) for each in running(f"gpg.*{folder}/keys")))
            time.sleep(0.01)
        assert process.stdout is not None
        return int(process.stdout.read()) + gnupg


def running(pattern: str) -> Iterator[Path]:
    """The processes whose command line has this pattern."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if re.search(pattern, command):
                yield process


def memory(process: Path) -> int:
    """What a process has in memory, in bytes, shared pages shared out; 0 of one that has ended."""
    with suppress(OSError):
        told = (process / "smaps_rollup").read_text()
        found = re.search(r"^Pss: +([0-9]+)", told, re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0


def is_ours(process: Path) -> bool:
    """Whether this process has started that one, or one that has."""
    number = process.name
    with suppress(OSError):
        while number not in ("0", "1"):
            if number == str(os.getpid()):
                return True
            number = (Path("/proc") / number / "stat").read_text().rpartition(")")[2].split()[1]
    return False


def couriers() -> Iterator[tuple[str, int]]:
    """What each bundle takes at a courier, in bytes."""
    with tempfile.TemporaryDirectory(prefix="mokanda-") as name:
        folder = Path(name)
        with Keyring(folder / "keys") as keyring:
            keys = [keyring.create_key(each) for each in ("ours", "theirs")]
            for label, key in zip(("ours", "theirs"), keys, strict=True):
                (folder / label).write_text(key)
            for label in letters():
                yield f"seal {label}", peak("seal", folder, label)
            for label, data in bundles():
                (folder / label).write_bytes(keyring.seal(data, keys[0], keys[0]))
                yield f"open {label}", peak("open", folder, label)
                (folder / label).unlink()


def bundles() -> Iterator[tuple[str, bytes]]:
    """All that a relay may make a courier open."""
    for label, text in texts(BOARD.text, BOARD.items):
        yield label, plain(text, [])
    for label, contents in files():
        yield label, plain("", contents)


def mails() -> Iterator[tuple[str, bytes]]:
    """Large mails, one worse than the other."""
    head = b"From: ada@example.org\r\nSubject: Mbote\r\n"
    multipart = head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    chance = random.Random(3)
    size = 28 * MEGABYTE
    yield (
        "a file",
        (
            multipart
            + b"--b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(chance.randbytes(20 * MEGABYTE))
            + b"\r\n--b--\r\n"
        ),
    )
    yield "parts", multipart + b"--b\r\n\r\na\r\n" * 900_000
    yield "files", multipart + b"--b\r\nContent-Type: x/y\r\n\r\na\r\n" * 900_000
    yield "lines", head + b"\r\n" + b"\n" * size
    yield "one line", head + b"\r\n" + b"x" * size
    yield "headers", b"X: y\r\n" * (size // 6)
    page = head + b"Content-Type: text/html\r\n\r\n"
    yield "a page", page + b"<p>Mbote <b>na yo</b>\n" * (size // 22)
    yield "an unclosed page", page + b"<div><a>" * 60_000
    yield (
        "nested",
        b"".join(
            b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (n, n) for n in range(190)
        )
        + b"--x\n" * 40_000,
    )
    yield "words", head + b"\r\n" + " ".join(WORDS * 800).encode()


def forms() -> Iterator[tuple[str, dict[str, str]]]:
    """Forms of a letter that fill what the webmail takes, or pass it."""
    for label, text in {
        "letters": "x" * 990_000,
        "lines": "\n" * 900_000,
        "quotations": "> > > x\n" * 120_000,
        "marks": "*x* _y_ a@b.example " * 45_000,
        "lists": "- x\n" * 200_000,
        "wide": "x" * 300_000 + "\U0001f600",
        "too long": "x" * 5_000_000,
    }.items():
        yield label, {"to": "amina", "subject": "x", "text": text, "send": "1"}
        yield f"{label}, a draft", {"to": "", "subject": "x", "text": text, "keep": "1"}
    yield "addresses", {"to": "amina, " * 100_000, "subject": "x", "text": "x", "send": "1"}
    yield "fields", {f"f{number}": "x" for number in range(20_000)}


def look(scene: Scene, path: str) -> None:
    """Open a page as a villager who is logged in."""
    with (
        suppress(OSError, http.client.HTTPException),
        closing(http.client.HTTPConnection(*scene.webmail, timeout=120)) as connection,
    ):
        connection.request("GET", path, headers={"Cookie": scene.cookie})
        connection.getresponse().read()


def served() -> dict[str, int]:
    """What webmail and relay have taken at most, in bytes, after all was sent to them."""
    with tempfile.TemporaryDirectory(prefix="mokanda-") as name, _sampled() as most:
        folder = Path(name)
        with a_scene(folder) as (scene, device):
            with closing(Store(folder / "device/mail.db", folder / "device/attachments")) as store:
                for number, (_, text) in enumerate(texts(BOARD.text, 100), start=1):
                    with suppress(BundleError, StoreError):
                        items = decode(plain(text, []), History()).bundle.items
                        mails_in = [each for each in items if isinstance(each, Mail)][:3]
                        to_amina = (Mail((AMINA,), each.message) for each in mails_in)
                        apply_down(store, bundle_down(number, *to_amina))
            for number in range(1, 60):
                look(scene, f"/mail/{number}")
            for path in ("/inbox", "/search?q=x", "/mail/1/reply", "/mail/1/forward"):
                look(scene, path)
            for _, fields in forms():
                hostile.post_form(scene, "/write", fields)
            for _, raw in mails():
                scene.world.post_inbound(raw, "ada@example.org", [AMINA])
                device.sync()
            for _, text in texts(LIMITS.text, LIMITS.items):
                hostile.upload(scene, plain(text, [], "up"))
            for _, contents in files():
                hostile.upload(scene, plain("", contents, "up"))
            for _, attack in list(hostile.attacks())[::7]:
                attack(scene)
        return most


@contextmanager
def _sampled() -> Iterator[dict[str, int]]:
    """Look at webmail and relay all the time; yields the most that each has had in memory."""
    most = {"webmail": 0, "relay": 0}
    ended = threading.Event()

    def look_at_them() -> None:
        while not ended.wait(0.05):
            for kind, pattern in _PROCESSES.items():
                now = sum(map(memory, filter(is_ours, running(pattern))))
                most[kind] = max(most[kind], now)

    thread = threading.Thread(target=look_at_them)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


_PROCESSES = {"webmail": "mokanda_firmware.webmail", "relay": "forkserver|mail_reader"}


def main() -> int:
    """Measure; the last line is JSON, in MB."""
    taken = served()
    for label, size in couriers():
        sys.stdout.write(f"courier, {label:24} {size / MEGABYTE:6.1f} MB\n")
        taken["courier"] = max(taken.get("courier", 0), size)
    figures = {kind: round(taken[kind] / MEGABYTE, 1) for kind in MOST}
    for kind, figure in figures.items():
        sys.stdout.write(f"{kind}: {figure} MB, of {MOST[kind]}\n")
    sys.stdout.write(json.dumps({f"{kind}_mb": each for kind, each in figures.items()}) + "\n")
    return 0 if all(figure <= MOST[kind] for kind, figure in figures.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
