# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.modem.at.lines import MAX_LINE, LineReader


@given(st.lists(st.binary(max_size=30)))
def test_lines_are_the_same_in_whatever_pieces_they_come(pieces: list[bytes]) -> None:
    reader = LineReader()
    lines = [line for piece in pieces for line in reader.feed(piece)]
    said = b"".join(pieces).replace(b"\r", b"\n")
    assert lines == [line for line in said.split(b"\n")[:-1] if line]


def test_of_a_line_that_does_not_end_only_the_beginning_is_kept() -> None:
    reader = LineReader()
    for _ in range(100):
        assert reader.feed(b"x" * 4096) == []
    assert reader.feed(b"\r\nOK\r\n") == [b"x" * MAX_LINE, b"OK"]
