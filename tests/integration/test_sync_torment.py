# SPDX-License-Identifier: Apache-2.0
"""A short run of `make bench-faults`."""

from tests.bench.faults import torment


def test_through_cuts_kills_and_a_locked_store_no_mail_is_lost_or_doubled() -> None:
    result = torment(60, seed=3, quiet=True)
    assert (result["lost"], result["doubled"]) == (0, 0)
    assert result["mails"]
