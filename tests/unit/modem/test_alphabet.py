# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.modem.at.alphabet import (
    OCTETS,
    SEPTETS,
    UCS2,
    coding_of,
    decode,
    from_septets,
    pack,
    to_septets,
    unpack,
)


@pytest.mark.parametrize(
    ("text", "packed"),
    [("*102#", "AA184C3602"), ("hellohello", "E8329BFD4697D9EC37"), ("", "")],
)
def test_seven_bits_are_packed_as_in_the_standard(text: str, packed: str) -> None:
    assert pack(to_septets(text)).hex().upper() == packed
    assert from_septets(unpack(bytes.fromhex(packed))) == text


@given(st.text(alphabet="abcXYZ 0189*#@£$éèùÇ?", max_size=200))
def test_whatever_was_packed_comes_back(text: str) -> None:
    septets = to_septets(text)
    assert from_septets(unpack(pack(septets), len(septets))) == text


@given(st.binary(max_size=300), st.integers(0, 255))
def test_whatever_comes_is_some_text(data: bytes, scheme: int) -> None:
    assert len(decode(data, coding_of(scheme))) <= 2 * len(data) + 1


def test_signs_of_the_second_table_take_two_codes() -> None:
    assert from_septets(b"\x1b\x65 \x1b\x3c12\x1b\x3e") == "€ [12]"


@pytest.mark.parametrize(
    ("scheme", "coding"),
    [
        (0, SEPTETS),
        (15, SEPTETS),
        (8, UCS2),
        (72, UCS2),
        (4, OCTETS),
        (0x44, OCTETS),
        (0xF4, OCTETS),
        (0xF0, SEPTETS),
        (0xE0, UCS2),
        (0x11, UCS2),
    ],
)
def test_a_scheme_names_its_alphabet(scheme: int, coding: str) -> None:
    assert coding_of(scheme) == coding


def test_a_character_of_no_table_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="alphabet"):
        to_septets("ы")
