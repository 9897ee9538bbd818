# SPDX-License-Identifier: Apache-2.0
"""A device that went back to the version before, with a store of the one that failed, syncs on."""

from __future__ import annotations

from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.mailbox.store.database import Store
from tests.later_store import later_version
from tests.relay_served import Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


def exchange(village: Village, served: Served, text: str) -> None:
    """A mail out, and one back."""
    village.write(f"{text} out")
    served.world.write("ada@example.org", ["amina@kitenge.example"], text, f"{text} back")
    village.sync()
    eventually(lambda: f"{text} out" in [mail.text for mail in served.world.sent], "the mail")


def test_all_mail_is_there_after_going_back_and_forth(
    village: Village, served: Served, tmp_path: Path
) -> None:
    exchange(village, served, "first")
    for under_later, under_former in (("second", "third"), ("fourth", "fifth")):
        village.store.close()
        with later_version(paths.mail_database(), tmp_path):
            village.store = Store.of_device()
            exchange(village, served, under_later)
            village.store.close()
        village.store = Store.of_device()
        exchange(village, served, under_former)
    village.sync()
    words = ["first", "second", "third", "fourth", "fifth"]
    assert village.texts("inbox") == [f"{word} back" for word in words]
    assert village.texts("sent") == [f"{word} out" for word in words]
