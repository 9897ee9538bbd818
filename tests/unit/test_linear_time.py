# SPDX-License-Identifier: Apache-2.0
"""Whatever the world sends is read in time that grows with its length, and no faster."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

import cbor2
import pytest

from mokanda_firmware.logs.redact import redact
from mokanda_firmware.mailbox.people import vcards
from mokanda_firmware.mailbox.store import subjects
from mokanda_firmware.modem.at.lines import LineReader
from mokanda_firmware.setup.card import decode as decode_claim
from mokanda_firmware.webmail import near_misses, recipients
from mokanda_firmware.webmail.wording import lookalikes
from mokanda_firmware.webmail.wording.markup import to_html
from mokanda_relay.mime.html_to_text import html_to_text
from mokanda_relay.mime.links import with_short_links
from mokanda_relay.mime.parse import HEAD, attached_whole, parse
from mokanda_relay.transport.proof import Checks, proof
from mokanda_wire import bundle, claimfile, packets, protocol, quoting
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.codec import TEXT_STORED
from mokanda_wire.formats import FORMAT
from mokanda_wire.history import START, History
from mokanda_wire.message import EPOCH, Mailbox, Message
from mokanda_wire.text import safe_file_name

# Some ten times what a linear reader needs for all shapes of a size on a slow machine: a quadratic
# one needs a hundred times as much for the next size.
SECONDS_PER_KB = 0.3
SIZES = (10, 100, 1000)  # KB
FEW_SHAPES = 5  # one of so many, at the largest size: by then a reader has shown how it grows
SHAPES = (
    *("x", " ", "@", ",", ";", '"', "<", ">", "(", "\\", "=", "&", "*", "_", "-"),
    *("\n", "\n ", "> ", "x@", "x,", "<x>", '"x" <', "=?a?q?", "=?utf-8?b?w6k=?= ", "&#", "&a"),
    *("<a ", "<a b=", '<a b="', "</", "<!--", "<?", "<b></i>", "<a><div>", "<pre>\n", "<b>", "a."),
    *("re: ", "QUOTED-PRINTABLE", "*0=x;", "a: b\n", "--x\n", "https://x."),
    *("1", "\t", "[", '{"a":'),
    *("<table><tr><td>x", "<li>x", "<blockquote>x", "<br><hr>", "<del>x<br>", "\u200c \u034f"),
    *("https://x.example/?url=https", "  - x\n", "[cid:x]", "<style>a{", "a:none;"),
    *("xn--a-0.", "xn--0"),
)  # fmt: skip


_OF_LISTS = ("List-Post", "List-Unsubscribe")


def _headers(text: str) -> object:
    names = ("To", "From", "Subject", "References", "Date", "Auto-Submitted", *_OF_LISTS)
    return parse("".join(f"{name}: {text}\n" for name in names).encode())


def _head(text: str) -> object:
    """Mails of which only the head is looked at, in headers of all kinds."""
    names = ("To", "From", "Subject", "References", "Date", "Auto-Submitted", *_OF_LISTS)
    for head in (text, *(f"{name}: {text}\n" for name in names)):
        attached_whole(head.encode()[:HEAD], "0" * 64, len(text), EPOCH)
    return None


def _media_type(text: str) -> object:
    return parse(f"Content-Type: {text}\n\nMbote".encode())


def _file_name(text: str) -> object:
    head = "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Disposition: attachment; "
    return parse(f'{head}filename="{text}"\n\nMbote\n--x--'.encode())


def _other_kinds(text: str) -> object:
    """Bodies of other kinds than plain text and HTML."""
    kinds = (
        *("text/enriched", "text/plain; format=flowed", "multipart/alternative; boundary=x"),
        *("text/calendar", "application/ms-tnef", "application/pkcs7-mime", "message/rfc822"),
    )
    for kind in kinds:
        parse(f"Content-Type: {kind}\n\n{text}".encode())
    event = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:{text}\nEND:VEVENT\nEND:VCALENDAR\n"
    return parse(f"Content-Type: text/calendar\n\n{event}".encode())


def _parts(text: str) -> object:
    head = "Content-Type: multipart/mixed; boundary="
    nested = "".join(f"{head}x{n}\n\n--x{n}\n" for n in range(len(text) // 100))
    return parse((nested + text).encode())


def _misplaced(text: str) -> object:
    return [parse(f"To: x\n\n{start}{text}".encode()) for start in ("", "MIME-Version: 1.0\n")]


def _typed(text: str) -> object:
    try:
        return recipients.parse(text, "kimpese.example", {"ma famille": ()})
    except recipients.BadRecipient as error:
        return error.refusal
    except recipients.TooManyRecipients as error:
        return error


def _address(text: str) -> object:
    try:
        return parse_address(text)
    except AddressError as error:
        return error


def _said(text: str) -> object:
    """What a modem says, as it comes and in small pieces."""
    said, reader = text.encode(), LineReader()
    pieces = [said[at : at + 1000] for at in range(0, len(said), 1000)]
    return [line for piece in (said, *pieces) for line in reader.feed(piece)]


def _claim_file(text: str) -> object:
    for made in (text, f'relay = "{text}', f"relay = [{text}", f'certificate = """{text}"""'):
        with suppress(claimfile.ClaimFileError):
            claimfile.read(decode_claim(made.encode())[: claimfile.MAX_SIZE])
    return None


def _found_of_writer(text: str) -> object:
    checks = Checks.of(text, text, [(text, "pass"), ("@example.org", text)])
    return proof(checks, Message("1@x", EPOCH, Mailbox(text), (), (), "", "", list_post=text))


def _look_of_writer(text: str) -> object:
    lookalikes.mixes_scripts(text)
    return lookalikes.key(text), lookalikes.imitated(f"x@{text}", {"example.org"})


def _bundle(text: str) -> object:
    """Bundles of items of every kind, with the text in each of their fields in turn."""
    line = text.replace("\n", "\t")
    bundles = [text, f"x{text}\0" * 2, f"S{line}\n", f'S{{"{line}\n']
    bundles += [f"{kind}{line}\n" for kind in ("Es", "E", "R", "Wf", "O", "G")]
    bundles += ["M\n0\nx\n+\n\n\n\n" + "\x01ax" * len(text)]
    stub = ["H", "0", "x", "+", "", "1", "P"]
    mail = ["M", "0", "x", "+", "", "", "", "\x01r", "\x01x", "\x01s", "\x01a", "\x01l", "\0"]
    for item in (stub, mail):
        for n, field in enumerate(item):
            bundles.append("\n".join([*item[:n], field + line, *item[n + 1 :]]))
    for each in map(str.encode, bundles):
        with suppress(bundle.BundleError):
            bundle.decode(_header(each) + each, History())
    with suppress(bundle.BundleError):
        bundle.decode(text.encode(), History())
    return None


def _header(text: bytes) -> bytes:
    made = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
    check = sha256(text).digest()[:8]
    tip = (START.end, START.digest)
    head = [FORMAT, "down", "kimpese", 1, made, *tip, TEXT_STORED, len(text), check, []]
    return cbor2.dumps(head)


def _message(text: str) -> object:
    """Messages of the protocol, and what GnuPG would get to see."""
    for data in (text.encode(), cbor2.dumps([text[:60_000]] * 13)):
        with suppress(protocol.ProtocolError):
            protocol.load(protocol.Hello, data)
        with suppress(packets.PacketError):
            list(packets.kinds(b"\xcb\x00" + data))
    return None


READERS: dict[str, Callable[[str], object]] = {
    "headers": _headers,
    "head of a mail that cannot be read": _head,
    "what was found of a writer": _found_of_writer,
    "media type": _media_type,
    "file name": _file_name,
    "parts": _parts,
    "headers in the text": _misplaced,
    "other kinds of text": _other_kinds,
    "HTML": html_to_text,
    "links": with_short_links,
    "name of a file": safe_file_name,
    "address": _address,
    "recipients": _typed,
    "near misses": near_misses.meant_address,
    "contacts": lambda text: vcards.read(f"BEGIN:VCARD\n{text}\nEND:VCARD".encode()),
    "marks of a subject": subjects.bare,
    "look of a writer": _look_of_writer,
    "letter on a page": to_html,
    "quotations": lambda text: quoting.restore(quoting.strip(text), 10_000_000),
    "what a modem says": _said,
    "line of a log": redact,
    "claim file": _claim_file,
    "bundle": _bundle,
    "messages": _message,
}


def _read_all(reader: str, size: int) -> None:
    step = FEW_SHAPES if size == max(SIZES) else 1
    seconds = max(10, round(SECONDS_PER_KB * size / step))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    for shape in SHAPES[::step]:
        READERS[reader]((shape * (size * 1024 // len(shape) + 1))[: size * 1024])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reader", READERS)
def test_a_hostile_text_takes_no_more_than_its_length(reader: str, size: int) -> None:
    """In a process of its own, which ends when it has used up its time of the processor."""
    process = multiprocessing.get_context("fork").Process(target=_read_all, args=(reader, size))
    process.start()
    process.join()
    assert process.exitcode == 0
