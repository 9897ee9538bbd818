# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

from mokanda_wire.limits import place_in_queue

DAY = timedelta(days=1)


def test_small_mail_goes_before_large_mail_of_the_same_day() -> None:
    assert place_in_queue(2_000, DAY / 2) < place_in_queue(90_000, DAY / 2)


def test_mail_that_has_waited_for_a_day_goes_before_new_mail_of_more_than_half_its_size() -> None:
    assert place_in_queue(90_000, DAY) < place_in_queue(45_001, DAY / 2)
    assert place_in_queue(90_000, DAY) > place_in_queue(44_000, DAY / 2)


def test_no_mail_waits_for_ever_behind_new_mail() -> None:
    assert place_in_queue(10**9, 40 * DAY) == 0
    assert place_in_queue(10**9, 100_000 * DAY) == 0


def test_a_clock_that_was_set_back_makes_no_mail_wait_longer() -> None:
    assert place_in_queue(90_000, -400 * DAY) == place_in_queue(90_000, timedelta())
