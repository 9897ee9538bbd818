# SPDX-License-Identifier: Apache-2.0
"""Whatever the world sends is read in time that grows with its length, and no faster."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable

import pytest

from mokanda_firmware.mailbox.people import vcards
from mokanda_firmware.webmail import recipients
from mokanda_firmware.webmail.wording.markup import to_html
from mokanda_relay.rendering.html_to_text import read_html
from mokanda_wire import quoting
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import html_to_text, parse, safe_file_name

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
)  # fmt: skip


def _headers(text: str) -> object:
    names = ("To", "From", "Subject", "References", "Date", "Auto-Submitted")
    return parse("".join(f"{name}: {text}\n" for name in names).encode())


def _media_type(text: str) -> object:
    return parse(f"Content-Type: {text}\n\nMbote".encode())


def _file_name(text: str) -> object:
    head = "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Disposition: attachment; "
    return parse(f'{head}filename="{text}"\n\nMbote\n--x--'.encode())


def _parts(text: str) -> object:
    head = "Content-Type: multipart/mixed; boundary="
    nested = "".join(f"{head}x{n}\n\n--x{n}\n" for n in range(len(text) // 100))
    return parse((nested + text).encode())


def _typed(text: str) -> object:
    try:
        return recipients.parse(text, "kimpese.example")
    except recipients.BadRecipient as error:
        return error


def _address(text: str) -> object:
    try:
        return parse_address(text)
    except AddressError as error:
        return error


READERS: dict[str, Callable[[str], object]] = {
    "headers": _headers,
    "media type": _media_type,
    "file name": _file_name,
    "parts": _parts,
    "HTML": html_to_text,
    "HTML at the relay": read_html,
    "name of a file": safe_file_name,
    "address": _address,
    "recipients": _typed,
    "contacts": lambda text: vcards.read(f"BEGIN:VCARD\n{text}\nEND:VCARD".encode()),
    "letter on a page": to_html,
    "quotations": lambda text: quoting.restore(quoting.strip(text), 10_000_000),
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
