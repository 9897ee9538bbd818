# SPDX-License-Identifier: Apache-2.0
"""zstd, by the library that the system has anyway: Python has a module for it from 3.14 on."""

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, c_char, c_char_p, c_int, c_size_t, c_uint, c_void_p
from functools import cache

from mokanda_firmware import heap

_LEVEL = 100  # ZSTD_c_compressionLevel


class ZstandardError(ValueError):
    """The library has refused; the text says why, in English."""


@cache
def _library() -> CDLL:
    # What is freed would be kept, as much as was seen at once, in pieces that fit nothing larger:
    # megabytes.
    heap.give_back(128 << 10)
    library = CDLL("libzstd.so.1")
    for name, result, *arguments in (
        ("versionNumber", c_uint),
        ("isError", c_uint, c_size_t),
        ("getErrorName", c_char_p, c_size_t),
        ("compressBound", c_size_t, c_size_t),
        ("createCCtx", c_void_p),
        ("freeCCtx", c_size_t, c_void_p),
        ("createDCtx", c_void_p),
        ("freeDCtx", c_size_t, c_void_p),
        ("CCtx_setParameter", c_size_t, c_void_p, c_int, c_int),
        ("CCtx_refPrefix", c_size_t, c_void_p, c_char_p, c_size_t),
        ("DCtx_refPrefix", c_size_t, c_void_p, c_void_p, c_size_t),
        ("compress2", c_size_t, c_void_p, c_void_p, c_size_t, c_char_p, c_size_t),
        ("decompressDCtx", c_size_t, c_void_p, c_void_p, c_size_t, c_char_p, c_size_t),
    ):
        function = getattr(library, f"ZSTD_{name}")
        function.restype, function.argtypes = result, arguments
    return library


def version() -> int:
    """The library's version, as 10507 for 1.5.7."""
    number: int = _library().ZSTD_versionNumber()
    return number


def pack(content: bytes, level: int, prefix: bytes = b"") -> bytes:
    """Compress into one frame; without a prefix, to the bytes that mksquashfs makes of a block.

    Of what `prefix` has, the frame holds references alone: who unpacks it has to have that.
    """
    library = _library()
    with _context("CCtx") as context:
        _checked(library.ZSTD_CCtx_setParameter(context, _LEVEL, level))
        if prefix:
            _checked(library.ZSTD_CCtx_refPrefix(context, prefix, len(prefix)))
        room = library.ZSTD_compressBound(len(content))
        packed = (c_char * room)()
        size = library.ZSTD_compress2(context, packed, room, content, len(content))
        return bytes(memoryview(packed)[: _checked(size)])


def unpack(frame: bytes, room: int, prefix: bytes | bytearray = b"") -> bytes:
    """Decompress frames to at most `room` bytes; takes little memory beside these.

    Raises:
        ZstandardError: they are damaged, need another prefix, or hold more.
    """
    library = _library()
    with _context("DCtx") as context:
        if prefix:
            # As it lies: a prefix is the largest of what a step of a delta has in memory.
            is_ours = isinstance(prefix, bytearray)
            held = (c_char * len(prefix)).from_buffer(prefix) if is_ours else prefix
            _checked(library.ZSTD_DCtx_refPrefix(context, held, len(prefix)))
        content = (c_char * room)()
        size = library.ZSTD_decompressDCtx(context, content, room, frame, len(frame))
        return bytes(memoryview(content)[: _checked(size)])


@contextmanager
def _context(kind: str) -> Iterator[int]:
    library = _library()
    context = getattr(library, f"ZSTD_create{kind}")()
    if not context:
        raise MemoryError
    try:
        yield context
    finally:
        getattr(library, f"ZSTD_free{kind}")(context)


def _checked(result: int) -> int:
    library = _library()
    if library.ZSTD_isError(result):
        raise ZstandardError(library.ZSTD_getErrorName(result).decode())
    return result
