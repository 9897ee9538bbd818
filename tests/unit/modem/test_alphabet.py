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
    padded,
    to_septets,
    unpack,
)
from tests.stand_ins import septets


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


@given(st.text(alphabet="0123456789*#", max_size=40))
def test_a_code_for_ussd_is_read_by_the_standard_as_it_is(code: str) -> None:
    sent = pack(padded(to_septets(code)))
    assert septets.unpack_ussd(sent) == code
    assert from_septets(unpack(sent)) == code


def test_a_code_of_seven_signs_ends_with_the_padding_of_the_standard() -> None:
    assert pack(padded(to_septets("*100*1#"))).hex().upper() == "AA180CA68A8D1A"


def test_a_return_at_the_end_is_doubled_where_it_would_be_taken_for_padding() -> None:
    assert padded(b"1234567\r") == b"1234567\r\r"
    assert padded(b"123456\r") == b"123456\r\r"
    assert padded(b"12345\r") == b"12345\r"


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
