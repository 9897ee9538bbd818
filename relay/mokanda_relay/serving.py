# SPDX-License-Identifier: Apache-2.0
"""What both listeners do alike: bodies as they arrive, files from where the last piece ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from bottle import HTTPResponse, LocalRequest

# Small pieces: on TLS each is a record, and a cut loses the record that it hits.
_PIECE_UP = 64 * 1024  # at most; what has arrived is handed on
_PIECE_DOWN = 2 * 1024

_FROM_OFFSET = re.compile(r"bytes=(\d{1,15})-")


def content_length(request: LocalRequest) -> int | None:
    """The length of the body that follows, or None when the request does not say."""
    text = request.get_header("Content-Length", "")
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
    wanted = _FROM_OFFSET.fullmatch(request.get_header("Range", ""))
    if wanted is None or request.get_header("If-Range", etag) != etag:
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


class _Pieces:
    """A file, in pieces; counts what was taken of it when it is closed."""

    def __init__(self, file: BinaryIO, count: Callable[[int], None]) -> None:
        self._file = file
        self._count = count
        self._taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(_PIECE_DOWN):
            yield piece
            self._taken += len(piece)

    def close(self) -> None:
        self._file.close()
        self._count(self._taken)
