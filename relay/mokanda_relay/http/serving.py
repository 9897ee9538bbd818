# SPDX-License-Identifier: Apache-2.0
"""What both listeners do alike: bodies as they arrive, files from where the last piece ended."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from bottle import HTTPResponse, LocalRequest

from mokanda_wire import protocol

_PIECE_UP = 64 * 1024  # bytes at most; what has arrived is handed on

_FROM_OFFSET = re.compile(r"bytes=(\d{1,15})-")


def header(request: LocalRequest, name: str) -> str:
    """A header of the request as text, "" when it is missing.

    Bottle's own headers raise on bytes that are not UTF-8.
    """
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    value: str = request.environ.get(key, "")
    return value


def caller(request: LocalRequest) -> str:
    """The caller's network address; behind a proxy on this machine, as the proxy tells it."""
    address: str = request.environ.get("REMOTE_ADDR", "")
    told = header(request, "X-Forwarded-For").rpartition(",")[2].strip()
    return told if told and address in ("127.0.0.1", "::1") else address


def content_length(request: LocalRequest) -> int | None:
    """The length of the body that follows, or None when the request does not say."""
    text = header(request, "Content-Length")
    return int(text) if text.isascii() and text.isdigit() else None


def arriving(request: LocalRequest) -> Iterator[bytes]:
    """Yield the body as it arrives, without waiting for more; ends early when it is cut.

    WSGI's `read(n)` waits for n bytes, and what it has read is gone if the connection breaks
    meanwhile. So this asks the buffered reader below cheroot's input.
    """
    body: Any = request.environ["wsgi.input"]
    while body.remaining > 0:
        piece: bytes = body.rfile.read1(min(body.remaining, _PIECE_UP))
        if not piece:
            return
        body.remaining -= len(piece)
        yield piece


def file_response(
    request: LocalRequest,
    path: Path,
    sha256: str,
    count: Callable[[int], None] = lambda _size: None,
) -> HTTPResponse:
    """Answer with a file, or with what of it comes after `Range: bytes=N-`.

    Args:
        request: the request.
        path: a file that does not change.
        sha256: its digest in hexadecimal, which is its strong ETag.
        count: is called with the number of bytes that were handed to the network.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return HTTPResponse(status=404)
    size = path.stat().st_size
    etag = f'"{sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
        "ETag": etag,
    }
    wanted = _FROM_OFFSET.fullmatch(header(request, "Range"))
    if wanted is None or header(request, "If-Range") not in ("", etag):
        headers["Content-Length"] = str(size)
        return HTTPResponse(_Pieces(file, count), status=200, headers=headers)
    start = int(wanted[1])
    if start >= size:
        file.close()
        return HTTPResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    file.seek(start)
    headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    headers["Content-Length"] = str(size - start)
    return HTTPResponse(_Pieces(file, count), status=206, headers=headers)


def followed_by_file(
    message: bytes,
    path: Path,
    offset: int,
    count: Callable[[int], None],
    most: int | None = None,
) -> HTTPResponse:
    """Answer with a message and, behind it, a file from `offset` on.

    Args:
        message: comes first.
        path: a file that does not change; where it is gone, the message comes alone.
        offset: in the file.
        count: is called with the number of the file's bytes that were handed to the network.
        most: so many of them are enough.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return HTTPResponse(message, headers={"Content-Length": str(len(message))})
    rest = max(path.stat().st_size - offset, 0)
    rest = rest if most is None else min(rest, most)
    file.seek(offset)
    length = str(len(message) + rest)
    return HTTPResponse(_Pieces(file, count, message, rest), headers={"Content-Length": length})


class _Pieces:
    """A file, in pieces; counts what was taken of it when it is closed."""

    def __init__(
        self,
        file: BinaryIO,
        count: Callable[[int], None],
        before: bytes = b"",
        most: int = sys.maxsize,
    ) -> None:
        self._file = file
        self._count = count
        self._before = before
        self._left = most
        self._taken = 0

    def __iter__(self) -> Iterator[bytes]:
        cut = self._file.tell() > 0
        before = self._before
        while piece := self._file.read(
            min(protocol.piece(self._taken, after_a_cut=cut), self._left)
        ):
            self._left -= len(piece)
            yield before + piece  # in one record
            before = b""
            self._taken += len(piece)
        if before:
            yield before

    def close(self) -> None:
        self._file.close()
        self._count(self._taken)
