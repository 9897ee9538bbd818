# SPDX-License-Identifier: Apache-2.0
"""A village for each test: the same one, as it was when it had just booted and claimed itself.

Booting takes most of a minute, so it is done once and its end kept. Tests run beside each other,
on boards of their own: nothing that one does is seen by another.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from scripts.releases.image import read_image
from scripts.tools.deadlines import slowness
from scripts.tools.repository import REPOSITORY
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone
from tests.emulator.ready_village import ReadyVillage
from tests.emulator.releases import IMAGE, Releases
from tests.stand_ins.mobile_network import mobile_network

# The longest come first: what is left for the end is shared best.
ORDER = [
    "test_updates",
    "test_bad_updates",
    "test_stranded",
    "test_backup",
    "test_faults",
    "test_wipe",
    "test_bad_input",
    "test_power_cuts",
    "test_scenarios",
    "test_mail_by_modem",
    "test_first_day",
]
HANGS = 900  # seconds that no test and its fixtures take on the reference computer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--image", type=Path, default=IMAGE, help="boot this image on the board")
    parser.addoption(
        "--thorough", action="store_true", help="try all, as before a release, every fault included"
    )
    parser.addoption("--other-image", type=Path, help="take an update from the other engine's, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return ORDER.index(item.path.stem) if item.path.stem in ORDER else len(ORDER)

    if not config.getoption("--thorough"):
        left = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    ours = [item for item in items if item.path.parent == Path(__file__).parent]
    items[:] = [item for item in items if item not in ours] + sorted(ours, key=place)
    for item in ours:
        item.add_marker(pytest.mark.emulator)
        item.add_marker(pytest.mark.timeout(HANGS * slowness()))


@pytest.fixture(scope="session")
def folder(worker_id: str) -> Path:
    """Where card, snapshot and logs of this run's board are, until the next run."""
    path = REPOSITORY / "build" / "emulator" / worker_id
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


@pytest.fixture(scope="session")
def ready_village(request: pytest.FixtureRequest, folder: Path) -> Iterator[ReadyVillage]:
    with mobile_network() as network:
        yield ReadyVillage(request.config.getoption("image"), folder, network)


@pytest.fixture
def village(
    ready_village: ReadyVillage, request: pytest.FixtureRequest
) -> Iterator[EmulatedVillage]:
    """A village that has booted with its claim file in place, and has a keeper where one acts."""
    with ready_village.started(keeper="keeper" in request.fixturenames) as village:
        yield village


@pytest.fixture
def keeper(village: EmulatedVillage, ready_village: ReadyVillage) -> Phone:  # noqa: ARG001
    """The phone of Awa, who is the first with an account, and so the village's keeper."""
    return ready_village.keeper()


@pytest.fixture(scope="session")
def releases(request: pytest.FixtureRequest, folder: Path) -> Releases:
    """Makes updates of the image that the board was flashed with."""
    path = folder / "releases"
    path.mkdir()
    return Releases(read_image(request.config.getoption("image").parent), path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the console's end with a failure."""
    report = yield
    village = getattr(item, "funcargs", {}).get("village")
    if report.failed and village:
        report.sections.append((f"console ({village.board.log})", village.board.console.tail(40)))
    return report


def pytest_report_header() -> str:
    return f"deadlines: x {slowness():.1f} for this computer's speed"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests have measured."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
