# SPDX-License-Identifier: Apache-2.0
"""Compression: text by a model that the history has primed, files by what suits each.

A writer goes by the format, a reader by what the bundle says of itself.

Text goes through PPMd variant H (as in 7z) with the parameters below. pyppmd cannot load a
primer, so the primer is encoded first, and of the stream only what comes after it travels;
a reader encodes the same primer, and so knows the beginning of the stream. That needs the
same bytes from every version of the encoder: variant H is deterministic, and test vectors
hold pyppmd's versions to it.
"""

import contextlib
import lzma
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pyppmd

# How text is kept in a bundle.
TEXT_STORED = 0
TEXT_PPMD = 1

# How a file is kept in a bundle.
FILE_STORED = 0
FILE_LZMA = 1  # a raw LZMA2 stream
FILE_IN_TEXT = 2  # behind the text, compressed with it

ORDER = 16
MODEL = 16 * 1024 * 1024  # bytes of memory of the model, once at each end

_DICTIONARY = 2 * 1024 * 1024  # bytes; encoding takes twelve times this, decoding once
_LZMA = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": _DICTIONARY}]
_MAX_FILE_IN_TEXT = 128 * 1024
# Behind the text comes a byte that no text foresees. Without it the last bytes of a text may
# cost nothing, and pyppmd 1.1.1, of Debian 13, takes the stream to end before them.
_GUARD = b"\x07"
_AHEAD = 16  # zeros behind the data; the range decoder reads some bytes ahead
_PADDING = 4096  # zeros at a time for data that is cut


class CodecError(ValueError):
    """Compressed data is damaged."""


class TextCodec(NamedTuple):
    """A way to compress text.

    `compress` takes the pieces of a text and the primer; it returns the data, and how many bytes of
    it each piece accounts for. `decompress` takes the data, the text's size in bytes and the
    primer, and raises CodecError.
    """

    compress: Callable[[Sequence[bytes], bytes], tuple[bytes, list[int]]]
    decompress: Callable[[bytes, int, bytes], bytes]


def compress_text(
    pieces: Sequence[bytes], primer: bytes, bundle_format: int
) -> tuple[int, bytes, list[int]]:
    """Compress a text that comes in pieces.

    Returns how (TEXT_...), the data, and how many bytes of it each piece accounts for (a few
    more or less: the encoder holds some back).
    """
    text = b"".join(pieces)
    if not text:
        return TEXT_STORED, b"", [0] * len(pieces)
    how = TEXT_OF_FORMAT[bundle_format]
    data, sizes = TEXT_CODECS[how].compress(pieces, primer)
    if len(data) >= len(text):
        return TEXT_STORED, text, [len(piece) for piece in pieces]
    return how, data, sizes


def survives(how: int, data: bytes, text: bytes, primer: bytes) -> bool:
    """Whether a reader gets the text back.

    After some 50 MB of text without patterns, pyppmd's two ends differ once, and with them all
    that is primed with that text.
    """
    try:
        return decompress_text(how, data, len(text), primer) == text
    except CodecError:
        return False


def decompress_text(how: int, data: bytes, size: int, primer: bytes) -> bytes:
    """Undo compress_text; `size` is the text's, in bytes, and is trusted to be in bounds.

    Raises:
        CodecError: the data is damaged.
    """
    if how == TEXT_STORED:
        if len(data) != size:
            raise CodecError("The text has another size than is said.")
        return data
    if how not in TEXT_CODECS:
        raise CodecError(f"Text of the unknown kind {how}.")
    return TEXT_CODECS[how].decompress(data, size, primer)


def _compress_by_ppmd(pieces: Sequence[bytes], primer: bytes) -> tuple[bytes, list[int]]:
    encoder = pyppmd.Ppmd7Encoder(ORDER, MODEL)
    encoder.encode(primer)
    parts = [bytes(encoder.encode(piece)) for piece in pieces]
    data = b"".join((*parts, encoder.encode(_GUARD), encoder.flush()))
    return data, [len(part) for part in parts]


def _decompress_by_ppmd(data: bytes, size: int, primer: bytes) -> bytes:
    encoder = pyppmd.Ppmd7Encoder(ORDER, MODEL)
    beginning = encoder.encode(primer)
    encoder.flush()
    del encoder
    decoder = pyppmd.Ppmd7Decoder(ORDER, MODEL)
    size += len(primer)
    try:
        out = decoder.decode(beginning + data + bytes(_AHEAD), size)
        # Of damaged data, too, all must be decoded: a decoder let go of while it waits for more
        # takes the process down with it, as does one asked to go on behind its end.
        while len(out) < size and not decoder.eof:
            out += decoder.decode(bytes(_PADDING), size - len(out))
    except (pyppmd.PpmdError, SystemError, MemoryError, ValueError) as error:
        raise CodecError("The text is damaged.") from error
    finally:
        _free(decoder)
    if len(out) != size or out[: len(primer)] != primer:
        raise CodecError("The text is damaged.")
    return bytes(out[len(primer) :])


TEXT_CODECS = {TEXT_PPMD: TextCodec(_compress_by_ppmd, _decompress_by_ppmd)}
TEXT_OF_FORMAT = {1: TEXT_PPMD, 2: TEXT_PPMD}  # what to write; a short text is stored


def _free(decoder: object) -> None:
    """Free a decoder's model, which pyppmd 1.1.1 as Debian builds it (by CFFI) never does else."""
    leave = getattr(decoder, "__exit__", None)
    if leave:
        with contextlib.suppress(RuntimeError):  # it then releases a lock that nobody holds
            leave(None, None, None)


def compress_file(content: bytes) -> tuple[int, bytes]:
    """Compress a file; return how (FILE_...) and the data, which is empty for FILE_IN_TEXT."""
    if len(content) <= _MAX_FILE_IN_TEXT and _is_text(content):
        return FILE_IN_TEXT, b""
    # Photos, archives and most documents are compressed already: a quick try tells.
    if len(zlib.compress(content, 1)) > 0.95 * len(content):
        return FILE_STORED, content
    data = lzma.compress(content, lzma.FORMAT_RAW, filters=_LZMA)
    return (FILE_LZMA, data) if len(data) < len(content) else (FILE_STORED, content)


def decompress_file(how: int, data: bytes, size: int) -> bytes:
    """Undo compress_file for all but FILE_IN_TEXT; at most `size` bytes are made.

    Raises:
        CodecError: the data is damaged.
    """
    if how == FILE_STORED:
        content = data
    elif how == FILE_LZMA:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA)
        try:
            content = decompressor.decompress(data, size + 1)
        except lzma.LZMAError as error:
            raise CodecError("A file is damaged.") from error
    else:
        raise CodecError(f"A file of the unknown kind {how}.")
    if len(content) != size:
        raise CodecError("A file has another size than is said.")
    return content


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False
