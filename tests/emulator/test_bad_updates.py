# SPDX-License-Identifier: Apache-2.0
"""Updates that must not be: the device stays with the system that it has."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from scripts.releases import signing_keys
from scripts.releases.image import Keys
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.releases import Releases, install, is_state, offer, tries_left

FORGED, BROKEN = "7.0.0-dev", "8.0.0-dev"


def test_an_update_of_other_keys_is_refused(
    village: EmulatedVillage, releases: Releases, tmp_path: Path
) -> None:
    signing_keys.make(tmp_path)
    keys = Keys(tmp_path / "release.key.pem", tmp_path / "release.cert.pem")
    offer(village, releases.make(FORGED, os.urandom(65536), keys), FORGED)
    slot = village.slot()
    install(village)
    shown = village.shell.wait_for_status("updates", is_state("failed"), 120)
    assert "not signed by those whom this device trusts" in shown["detail"]
    assert (village.slot(), shown["slot"]) == (slot, slot)
    assert village.shell.check("fw_printenv -n BOOT_ORDER").startswith(slot)


def test_an_update_that_does_not_start_falls_back(
    village: EmulatedVillage,
    releases: Releases,
    record_property: Callable[[str, object], None],
) -> None:
    offer(village, releases.make(BROKEN, os.urandom(65536)), BROKEN)
    slot = village.slot()
    install(village)
    start = time.monotonic()
    village.shell.wait_for_start(300)
    record_property(
        "update that does not start: back in the old slot", f"{time.monotonic() - start:.0f} s"
    )
    assert village.slot() == slot
    shown = village.shell.wait_for_status("updates", is_state("failed", "idle"), 240)
    assert f"Version {BROKEN} did not start as it should" in shown["detail"]
    assert tries_left(village, slot) == 9
