# SPDX-License-Identifier: Apache-2.0
"""Answers of the network to a code, whatever they look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.modem.at import announcements, ussd


@pytest.mark.parametrize(
    ("announced", "goes_on"),
    [
        ('+CUSD: 0,"Solde 5 USD",15', False),
        ('+CUSD: 0,"Solde 5 USD" , 15 ', False),
        ('+CUSD: 0,"Forfait "1 GB active",15', False),
        ("+CUSD: 2", False),
        ("+CUSD: 0,Solde,15", False),
        ('+CUSD: 0,"Solde 5 USD"', True),
        ('+CUSD: 0,"Tapez "1", 2 ou "3"', True),
        ('+CUSD: 0,"Solde', True),
        ('+CUSD: 0,"' + "x" * 5000, False),
    ],
)
def test_a_text_goes_on_until_its_coding_is_told(announced: str, goes_on: bool) -> None:
    assert announcements.goes_on(announced) is goes_on


@given(st.text(st.sampled_from('+CUSD: 0",15 x\n'), max_size=300))
def test_whatever_is_announced_is_read(noise: str) -> None:
    said = f"+CUSD: {noise}"
    assert announcements.goes_on(said) in (True, False)
    assert ussd._more([said]) in (None, 0.0, ussd._ANOTHER, ussd._FIRST)
