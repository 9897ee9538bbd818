# SPDX-License-Identifier: Apache-2.0
"""The pieces of the kernel in a FIT image, and which of them are like those of another."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from mokanda_firmware.updates import deflate
from scripts.assembly.kernel import GZIP, pack

_GZIP = 16 + zlib.MAX_WBITS
_PROBE = 32  # bytes by which pieces are found that have the same
_APART = 256  # bytes from one probe of an earlier piece to its next
_ALIGNED = 4  # bytes that an instruction of ARM has


class KernelPiece(NamedTuple):
    """A piece: where in the FIT image it lies, its bytes there, and these unpacked."""

    start: int
    stored: bytes
    content: bytes


def pieces(fit: bytes) -> list[KernelPiece]:
    """The pieces of the kernel; none where it is packed in another way, or by another zlib."""
    start = fit.find(GZIP)
    if start < 0:
        return []
    try:
        content = zlib.decompressobj(wbits=_GZIP).decompress(fit[start:])
    except zlib.error:
        return []
    beginning, *packed, end = pack(content)
    if not fit.startswith(beginning + b"".join(packed) + end, start):
        return []
    found, at = [], start + len(beginning)
    for number, stored in enumerate(packed):
        first = number * deflate.PIECE
        found.append(KernelPiece(at, stored, content[first : first + deflate.PIECE]))
        at += len(stored)
    return found


class Alike:
    """Finds for a piece the one of an earlier kernel that has most of its bytes, and those around.

    What has grown before them moves code and data to other pieces.
    """

    def __init__(self, earlier: Iterable[KernelPiece], most: int) -> None:
        self._pieces = list(earlier)
        self._most = most
        self._at: dict[bytes, int | None] = {}  # None of what several pieces have
        for number, piece in enumerate(self._pieces):
            for at in range(0, len(piece.content), _APART):
                probe = piece.content[at : at + _PROBE]
                self._at[probe] = number if self._at.get(probe, number) == number else None

    def __call__(self, piece: KernelPiece) -> list[KernelPiece]:
        """The pieces to refer to, the best one last, where zstd finds it nearest."""
        votes: Counter[int] = Counter()
        for at in range(0, len(piece.content), _ALIGNED):
            number = self._at.get(piece.content[at : at + _PROBE])
            if number is not None:
                votes[number] += 1
        if not votes:
            return []
        ((best, _),) = votes.most_common(1)
        near = sorted(range(len(self._pieces)), key=lambda number: abs(number - best))
        return [self._pieces[number] for number in reversed(near[: self._most])]
