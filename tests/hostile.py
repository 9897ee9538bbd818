# SPDX-License-Identifier: Apache-2.0
"""Mail that is broken or means harm: from the test suites of other programs, and of our own.

The suites are source packages of Debian's, fetched when they are needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header

from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_relay.mime.parse import parse
from mokanda_relay.rendering.mail_reader import without_signatures
from mokanda_wire.bundle import Mail
from tests.bench.corpora import files_of
from tests.unit.mailbox.letters import bundle_down

# What a browser's sanitiser has to stand, as page and as words.
_VECTORS = re.compile(r'"payload":\s*("(?:[^"\\]|\\.)*")')
_MORE_VECTORS = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<base href="https://evil.example/"><form action=/logout method=post><button>Reply',
    "<link rel=stylesheet href=https://evil.example/x.css><style>@import 'https://evil.example'",
    '<iframe srcdoc="<script>parent.document.title=1</script>"></iframe>',
    '<a href="javascript:alert(1)">Reply</a><a href="data:text/html,<script>alert(1)</script>">x',
    "</div></article></main><div style='position:fixed;inset:0'><input autofocus onfocus=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<title>never closed <p>words",
    "<html><head><style>p{}</style><body>words without an end of the head",
    "{{7*7}}\n% import os\n<% alert(1) %>",
    '*<b onmouseover=alert(1)>* _"><img src=x onerror=alert(1)>_ - <li onclick=alert(1)>',
    '> "><script>alert(1)</script>\n- <script>alert(1)</script>\nhttps://x/"onclick=alert(1)',
    'x"onclick=alert(1)@evil.example <x@evil.example?bcc=y%0aBcc:z>',
    "\u202egnp.exe \u2066\u2069 \ufeff \ud7ff",
    "<" * 50_000,
    "<div>" * 15_000 + "deep",
    "<b>" * 100_000 + "very deep",
    "<table><tr><td>" * 500 + "x",
]
# Words, the charset that they are in, and what the mail says that they are in.
_CHARSETS = [
    ("村の市場は土曜日です", "shift_jis", "Shift_JIS"),
    ("村の市場は土曜日です", "iso2022_jp", "ISO-2022-JP"),
    ("村の市場は土曜日です", "euc_jp", "EUC-JP"),
    ("рынок в субботу", "koi8_r", "KOI8-R"),
    ("рынок в субботу", "cp1251", "windows-1251"),
    ("集市在星期六", "gb18030", "gb2312"),
    ("集市在星期六", "big5", "Big5"),
    ("시장은 토요일입니다", "cp949", "ks_c_5601-1987"),
    ("السوق يوم السبت", "cp1256", "windows-1256"),
    ("le marché à “Boende” coûte 5 €", "cp1252", "iso-8859-1"),
    ("le marché à “Boende” coûte 5 €", "cp1252", "us-ascii"),
    ("le marché à “Boende” coûte 5 €", "utf-8", "us-ascii"),
    ("le marché à “Boende” coûte 5 €", "utf-8", "unknown-8bit"),
    ("le marché à “Boende” coûte 5 €", "utf-8", ""),
    ("le marché à “Boende” coûte 5 €", "cp1252", "utf-8"),
    ("le marché coûte 5 €", "utf-16", "utf-16"),
]
_BROKEN = {
    "nothing": b"",
    "zeros": bytes(4000),
    "no body": b"Subject: x",
    "no head": b"\n\nwords",
    "a boundary that never comes": b"Content-Type: multipart/mixed; boundary=x\n\nwords",
    "a part without end": b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nwords",
    "an endless header": b"Subject: " + b"x" * 300_000 + b"\n\nwords",
    "ten thousand headers": b"Subject: x\n" * 10_000 + b"\nwords",
    "a date in no year": b"Date: Fri, 99 Foo 99999 99:99:99 +9999\n\nwords",
    "base64 that is none": b"Content-Transfer-Encoding: base64\n\n!!!! words",
    "uuencoding that is none": b"Content-Transfer-Encoding: x-uuencode\n\nbegin x\nwords",
    "a thousand parts": b"Content-Type: multipart/mixed; boundary=x\n\n"
    + b"--x\nContent-Type: text/plain\n\nwords\n" * 1000,
    "parts within parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (n, n) for n in range(200)
    ),
    "names of files": b"Content-Type: multipart/mixed; boundary=x\n\n"
    b'--x\nContent-Disposition: attachment; filename="../../etc/passwd"\n\nwords\n'
    b'--x\nContent-Disposition: attachment; filename="a\r\n b\\"><script>.html"\n\nwords\n'
    b"--x\nContent-Disposition: attachment; filename*=utf-8''%00%2e%2e%2f%0d%0ax\n\nwords\n",
    "addresses": b'From: <a@b@c>, "\\" <x>\nTo: undisclosed-recipients:;\nCc: @@@@\n\nwords',
    "ids": b"Message-ID: <a b\"'><script>>\nIn-Reply-To: <" + b"x" * 5000 + b"@x>\n\nwords",
}


@dataclass(frozen=True, slots=True)
class Hostile:
    """A mail, where it is from, and words that its reader has to see, if they are known."""

    name: str
    raw: bytes
    words: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it to see."""
        return not self.raw.strip(b"\0 \n") or self.raw == _BROKEN["no body"]


QUARTERS = range(4)  # of the collection: a test of it takes long


def collection(quarter: int) -> list[Hostile]:
    """Return every mail of a quarter once.

    Raises:
        CorpusError: a suite cannot be fetched.
    """
    return list({hostile.raw: hostile for hostile in _all()}.values())[quarter :: len(QUARTERS)]


def _all() -> Iterator[Hostile]:
    suites = {
        "libmime-tools-perl": r"testmsgs/.*msg",
        "libemail-mime-perl": r"t/Mail/(?!.*gif).*",
        "notmuch": r"test/corpora/(?:default|broken|html|crypto|indexing|attachment)/.*",
        "public-inbox": r".*\.eml",
    }
    for package, pattern in suites.items():
        for path, raw in files_of(package, pattern):
            yield Hostile(f"{package}: {path}", raw)
    yield from (Hostile(name, raw) for name, raw in _BROKEN.items())
    for number, (words, charset, label) in enumerate(_CHARSETS):
        yield Hostile(f"charset {number}: {label}", _in_charset(words, charset, label), words)
    for number, vector in enumerate(vectors()):
        yield Hostile(f"vector {number}, as page", _as_page(vector))
        yield Hostile(f"vector {number}, as words", _as_words(vector))


def deliver(store: Store, hostile: Hostile, address: str) -> None:
    """Bring a mail of the world's into a villager's inbox, as relay and courier do."""
    message, contents = without_signatures(*parse(hostile.raw, datetime(2026, 3, 1, tzinfo=UTC)))
    sequence = sync_state(store).down_applied + 1
    apply_down(store, bundle_down(sequence, Mail((address,), message), contents=contents))


def vectors() -> Iterator[str]:
    """Yield what tries to become part of a page."""
    yield from _MORE_VECTORS
    for _, raw in files_of("node-dompurify", r"test/fixtures/expect\.mjs"):
        yield from (json.loads(found) for found in _VECTORS.findall(raw.decode()))


def _as_page(vector: str) -> bytes:
    head = "Subject: vector\nContent-Type: text/html; charset=utf-8\n\nbefore "
    return (head + vector).encode("utf-8", "surrogatepass")


def _as_words(vector: str) -> bytes:
    """A mail of which every part that a page shows is the vector."""
    short = " ".join(vector[:400].split())
    word = Header(short, "utf-8").encode()
    head = (
        f"From: {word} <x@evil.example>\nTo: {word} <y@evil.example>\nSubject: {word}\n"
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=limit\n\n"
        "--limit\nContent-Type: text/plain; charset=utf-8\n\n"
    )
    quoted = short.replace("\\", "\\\\").replace('"', '\\"')
    tail = (
        f'\n--limit\nContent-Type: text/html; name="{quoted}"\nContent-ID: <{quoted}>\n'
        f"Content-Disposition: attachment\n\n{vector}\n--limit--\n"
    )
    return (head + vector + tail).encode("utf-8", "surrogatepass")


def _in_charset(words: str, charset: str, label: str) -> bytes:
    name = f"; charset={label}" if label else ""
    head = f"Subject: charset {label}\nContent-Type: text/plain{name}\n\n"
    return head.encode() + words.encode(charset)
