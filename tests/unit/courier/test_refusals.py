# SPDX-License-Identifier: Apache-2.0
from mokanda_firmware.uplink import refusals
from mokanda_relay.sync import refusals as of_relay
from mokanda_wire import protocol


def test_every_word_that_a_relay_refuses_with_has_its_sentence() -> None:
    assert set(refusals.SENTENCES) == set(of_relay._STATUS)


def test_a_word_of_tomorrow_is_told_with_what_the_relay_says() -> None:
    sentence = refusals.sentence_of("snowed-in", "There is snow on the line.")
    assert str(sentence) == "The relay refuses this (There is snow on the line.)."


def test_a_word_that_is_known_needs_no_english() -> None:
    sentence = refusals.sentence_of(protocol.TRY_LATER, "There were too many wrong claim codes.")
    assert sentence.values == {}
