# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

import pytest

from mokanda_firmware.updates import zstandard
from mokanda_firmware.updates.zstandard import ZstandardError

CONTENT = os.urandom(50_000)


def test_what_is_packed_is_unpacked_by_others() -> None:
    packed = zstandard.pack(CONTENT, 19)
    done = subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True)
    assert done.stdout == CONTENT == zstandard.unpack(packed, len(CONTENT))


def test_of_a_prefix_nothing_is_packed() -> None:
    packed = zstandard.pack(CONTENT + b"new", 19, CONTENT)
    assert len(packed) < 40
    assert zstandard.unpack(packed, 60_000, CONTENT) == CONTENT + b"new"


def test_a_missing_prefix_is_noticed() -> None:
    with pytest.raises(ZstandardError):
        zstandard.unpack(zstandard.pack(CONTENT + b"new", 19, CONTENT), 60_000)


def test_what_unpacks_to_more_than_there_is_room_for_is_refused() -> None:
    with pytest.raises(ZstandardError, match="too small"):
        zstandard.unpack(zstandard.pack(bytes(1 << 20), 19), 1000)


def test_what_is_cut_is_refused() -> None:
    with pytest.raises(ZstandardError):
        zstandard.unpack(zstandard.pack(CONTENT, 19)[:-1], 60_000)
