# SPDX-License-Identifier: Apache-2.0
"""An update that the other engine made, and one back: slots, settings and mail are the same.

Needs the other engine's image: pytest --other-image build/other/mokanda.img tests/emulator
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.releases.image import read_image
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone
from tests.emulator.ready_village import ReadyVillage
from tests.emulator.releases import Releases, install, offer


@pytest.fixture(scope="module")
def others(request: pytest.FixtureRequest, folder: Path, releases: Releases) -> Releases:
    """Makes updates of the other engine's image."""
    image = request.config.getoption("other_image")
    if image is None:
        pytest.skip("--other-image names no image of the other engine")
    path = folder / "other-releases"
    path.mkdir()
    others = Releases(read_image(image.parent), path)
    assert others.image.record["engine"] != releases.image.record["engine"]
    return others


@pytest.fixture(scope="module")
def village(ready_village: ReadyVillage, others: Releases) -> Iterator[EmulatedVillage]:  # noqa: ARG001
    """A village with a letter, on one board for all tests."""
    with ready_village.started(keeper=True) as village:
        ready_village.keeper().write("awa", "From before", "Written on the first engine.")
        yield village


def test_the_other_engines_update_is_installed_and_proves_itself(
    village: EmulatedVillage, keeper: Phone, others: Releases
) -> None:
    kernel = village.shell.check("uname -r")
    _update(village, others, "9.1.0-dev", "B")
    assert village.shell.check("uname -r") != kernel
    assert "first engine" in keeper.read("inbox", "From before").text
    keeper.write("awa", "From between", "Written on the other engine.")


def test_and_so_is_one_back(village: EmulatedVillage, keeper: Phone, releases: Releases) -> None:
    kernel = village.shell.check("uname -r")
    _update(village, releases, "9.2.0-dev", "A")
    assert village.shell.check("uname -r") != kernel
    assert "first engine" in keeper.read("inbox", "From before").text
    assert "other engine" in keeper.read("inbox", "From between").text


def _update(village: EmulatedVillage, releases: Releases, version: str, slot: str) -> None:
    """Update the device over the air, until it is sure of what it has."""
    offer(village, releases.make(version), version)
    install(village)
    village.shell.wait_for_start(900)
    village.wait_for_webmail()
    shown = village.shell.wait_for_status("updates", lambda now: bool(now.get("installed")), 600)
    assert (shown["version"], shown["slot"]) == (version, slot)
