# SPDX-License-Identifier: Apache-2.0
import os
import random
import zlib

import pytest

from mokanda_firmware.updates import deflate
from mokanda_firmware.updates.deflate import PIECE, DeflateError

NOISE = os.urandom(PIECE)
CONTENT = bytes(random.Random(1).choices(b"mokanda ", k=PIECE))


def test_pieces_behind_each_other_are_what_others_unpack_as_one() -> None:
    packed = deflate.pack(CONTENT) + deflate.pack(NOISE) + deflate.pack(CONTENT[:1000])
    unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    assert unpacker.decompress(packed + b"\x03\0") == CONTENT + NOISE + CONTENT[:1000]
    assert unpacker.eof


@pytest.mark.parametrize("content", [CONTENT, NOISE, CONTENT + NOISE, b"?", b""])
def test_a_piece_is_unpacked_without_the_others(content: bytes) -> None:
    assert deflate.unpack(deflate.pack(content), len(content)) == content


def test_what_unpacks_to_more_than_there_is_room_for_is_refused() -> None:
    with pytest.raises(DeflateError, match="more"):
        deflate.unpack(deflate.pack(bytes(1 << 20)), (1 << 20) - 1)


def test_what_is_no_piece_is_refused() -> None:
    with pytest.raises(DeflateError):
        deflate.unpack(b"\xff" * 100, 1000)
