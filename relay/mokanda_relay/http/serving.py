# SPDX-License-Identifier: Apache-2.0
"""What both listeners do alike: bodies as they arrive, blobs from where the last piece ended."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from bottle import HTTPResponse, LocalRequest

from mokanda_relay.store.blob_store import BlobNotFoundError, BlobStore
from mokanda_wire import protocol

_PIECE_UP = 64 * 1024  # bytes at most; what has arrived is handed on

_MAX_CHUNK_LINE = 256
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r\n")
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
    forwarded = header(request, "X-Forwarded-For").rpartition(",")[2].strip()
    return forwarded if forwarded and address in ("127.0.0.1", "::1") else address


def content_length(request: LocalRequest) -> int | None:
    """The length of the body that follows, or None when the request does not say."""
    text = header(request, "Content-Length")
    return int(text) if text.isascii() and text.isdigit() else None


def is_chunked(request: LocalRequest) -> bool:
    """Whether the body comes in chunks, so that nobody knows how long it will be."""
    return header(request, "Transfer-Encoding").lower() == "chunked"


def arriving(request: LocalRequest) -> Iterator[bytes]:
    """Yield the body as it arrives, without waiting for more; ends early when it is cut.

    WSGI's `read(n)` waits for n bytes, and what it has read is gone if the connection breaks
    meanwhile. So this asks the buffered reader below cheroot's input.

    Raises:
        ConnectionError: a body in chunks is cut or broken.
    """
    body: Any = request.environ["wsgi.input"]
    if is_chunked(request):
        yield from _chunks(body.rfile)
        return
    while body.remaining > 0:
        piece: bytes = body.rfile.read1(min(body.remaining, _PIECE_UP))
        if not piece:
            return
        body.remaining -= len(piece)
        yield piece


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The body that comes in chunks (RFC 9112, 7.1).

    cheroot's reader holds each of them in memory, whatever its size.
    """
    while size := _size_of_chunk(file.readline(_MAX_CHUNK_LINE)):
        while size > 0:
            piece = file.read1(min(size, _PIECE_UP))  # type: ignore[attr-defined]
            if not piece:
                raise ConnectionError("the body ends within a chunk")
            size -= len(piece)
            yield piece
        if file.read(2) != b"\r\n":
            raise ConnectionError("a chunk is longer than it says")


def _size_of_chunk(line: bytes) -> int:
    found = _CHUNK_LINE.fullmatch(line)
    if not found:
        raise ConnectionError("a chunk does not say how long it is")
    return int(found[1], 16)


def blob_response(
    request: LocalRequest,
    store: BlobStore,
    name: str,
    sha256: str,
    count: Callable[[int], None] = lambda _size: None,
) -> HTTPResponse:
    """Answer with a blob, or with what of it comes after `Range: bytes=N-`.

    Args:
        request: the request.
        store: where the blob is; where it is not, the answer is 404.
        name: of the blob.
        sha256: its digest in hexadecimal, which is its strong ETag.
        count: is called with the number of bytes that were handed to the network.
    """
    etag = f'"{sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
        "ETag": etag,
    }
    wanted = _FROM_OFFSET.fullmatch(header(request, "Range"))
    if header(request, "If-Range") not in ("", etag):
        wanted = None
    start = int(wanted[1]) if wanted else 0
    try:
        size = store.size(name)
        if wanted and start >= size:
            return HTTPResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        blob = store.open(name, start)
    except BlobNotFoundError:
        return HTTPResponse(status=404)
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    headers["Content-Length"] = str(size - start)
    pieces = _Pieces(blob, count, after_a_cut=start > 0)
    return HTTPResponse(pieces, status=206 if wanted else 200, headers=headers)


def followed_by_blob(
    message: bytes,
    store: BlobStore,
    name: str,
    offset: int,
    count: Callable[[int], None],
    limit: int | None = None,
) -> HTTPResponse:
    """Answer with a message and, behind it, a blob from `offset` on.

    Args:
        message: comes first.
        store: where the blob is; where it is not, the message comes alone.
        name: of the blob.
        offset: in the blob.
        count: is called with the number of the blob's bytes that were handed to the network.
        limit: at most so many of them follow.
    """
    try:
        size = store.size(name)
        offset = min(offset, size)
        blob = store.open(name, offset)
    except BlobNotFoundError:
        return HTTPResponse(message, headers={"Content-Length": str(len(message))})
    rest = size - offset if limit is None else min(size - offset, limit)
    pieces = _Pieces(blob, count, message, rest, after_a_cut=offset > 0)
    return HTTPResponse(pieces, headers={"Content-Length": str(len(message) + rest)})


class _Pieces:
    """A blob, in pieces; counts what was taken of it when it is closed."""

    def __init__(
        self,
        blob: BinaryIO,
        count: Callable[[int], None],
        before: bytes = b"",
        limit: int = sys.maxsize,
        *,
        after_a_cut: bool,
    ) -> None:
        self._blob = blob
        self._count = count
        self._before = before
        self._left = limit
        self._after_a_cut = after_a_cut
        self._taken = 0

    def __iter__(self) -> Iterator[bytes]:
        before = self._before
        while piece := self._blob.read(
            min(protocol.piece(self._taken, after_a_cut=self._after_a_cut), self._left)
        ):
            self._left -= len(piece)
            yield before + piece  # in one record
            before = b""
            self._taken += len(piece)
        if before:
            yield before

    def close(self) -> None:
        self._blob.close()
        self._count(self._taken)
