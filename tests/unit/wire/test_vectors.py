# SPDX-License-Identifier: Apache-2.0
"""The format does not change by accident, nor with a library's version."""

import json
import lzma

import pytest

from mokanda_wire import codec, formats
from tests.unit.wire import vectors


@pytest.mark.parametrize("bundle_format", range(formats.OLDEST_FORMAT, formats.FORMAT + 1))
def test_bundles_and_messages_are_those_of_the_vectors(bundle_format: int) -> None:
    recorded = json.loads(vectors.FILES[bundle_format].read_text(encoding="utf-8"))
    assert vectors.make(bundle_format) == recorded


def test_a_file_by_lzma_is_a_raw_lzma2_stream() -> None:
    content = b"\0\1\2\3" * 500 + b"\xff"
    how, data = codec.compress_file(content)
    assert how == codec.FILE_LZMA
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2 * 1024 * 1024}]
    assert lzma.decompress(data, lzma.FORMAT_RAW, filters=filters) == content
    assert codec.decompress_file(how, data, len(content)) == content
    with pytest.raises(codec.CodecError):
        codec.decompress_file(how, data, len(content) - 1)
