# SPDX-License-Identifier: Apache-2.0
"""What a damaged letter leaves behind."""

import logging

import pytest

from tests.unit.webmail.served_village import Village


def test_the_log_has_nothing_of_a_draft_that_cannot_be_read(
    village: Village, caplog: pytest.LogCaptureFixture
) -> None:
    awa = village.villager("awa")
    awa.write("ben", text="Likambo ya sekele", button="save")
    with village.store.transaction() as connection:
        connection.execute("UPDATE draft SET fields = CAST(fields || x'ff' AS TEXT)")
    with caplog.at_level(logging.DEBUG):
        awa.get("/drafts", status=500)
    assert "text that is none" in caplog.text
    assert "sekele" not in caplog.text
