# SPDX-License-Identifier: Apache-2.0
"""A village for the tests: one board, booted once and used by all, a relay, a mobile network.

Booting takes most of a minute, so tests share the board; each leaves it as it found it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from scripts.children import REPOSITORY, Children
from scripts.deadlines import slowness
from scripts.emulator.board import Board
from scripts.local_relay import Relay, ports, start_relay
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.shell import Shell
from tests.stand_ins.front import Front
from tests.stand_ins.mobile_network import GATEWAY, MobileNetwork, tun_device
from tests.stand_ins.modem import Modem

# Those that change the card or boot anew come last.
ORDER = [
    "test_boot",
    "test_first_day",
    "test_lights",
    "test_modem",
    "test_backup",
    "test_bad_input",
]
IMAGE = REPOSITORY / "build" / "image" / "orangepi-zero" / "mokanda.img"
MEASURED = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--image", type=Path, default=IMAGE, help="boot this image on the board")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MEASURED] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return ORDER.index(item.path.stem) if item.path.stem in ORDER else len(ORDER)

    ours = [item for item in items if item.path.parent == Path(__file__).parent]
    items[:] = [item for item in items if item not in ours] + sorted(ours, key=place)
    for item in ours:
        item.add_marker(pytest.mark.emulator)


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> dict[str, str]:
    """What a test puts here is shown at the end of the run."""
    return request.config.stash[MEASURED]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run keeps the card and all logs; a failure names the console's."""
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture(scope="session")
def network() -> Iterator[MobileNetwork]:
    with tun_device() as packets:
        yield MobileNetwork(packets)


@pytest.fixture(scope="session")
def relay(folder: Path) -> Iterator[Relay]:
    with Children(folder / "logs") as children:
        yield start_relay(children, folder, device_host=str(GATEWAY))


@pytest.fixture(scope="session")
def front(folder: Path, relay: Relay, network: MobileNetwork) -> Iterator[Front]:  # noqa: ARG001
    """The relay's door, on the address that both ways of the board lead to."""
    port = ports(folder)["relay"]
    with Front(str(GATEWAY), ("127.0.0.1", port), port) as front:
        yield front


@pytest.fixture(scope="session")
def flashed_village(
    request: pytest.FixtureRequest, folder: Path, relay: Relay, front: Front, network: MobileNetwork
) -> Iterator[EmulatedVillage]:
    """A village whose card has just been flashed; its board has no power yet."""
    with Board(request.config.getoption("image", IMAGE), folder / "board") as board:
        modem = Modem(network)
        yield EmulatedVillage(board, Shell(board), relay, front, network, modem)
        modem.unplug()


@pytest.fixture(scope="session")
def village(flashed_village: EmulatedVillage) -> EmulatedVillage:
    """A village that has booted with its claim file in place."""
    flashed_village.board.write_setup_file(flashed_village.write_claim("village"))
    flashed_village.power_on()
    return flashed_village


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the console's end with a failure."""
    report = yield
    village = getattr(item, "funcargs", {}).get("village")
    if report.failed and call.when == "call" and village:
        report.sections.append((f"console ({village.board.log})", village.board.console.tail(40)))
    return report


def pytest_report_header() -> str:
    return f"deadlines: x {slowness():.1f} for this computer's speed"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for name, value in config.stash[MEASURED].items():
        terminalreporter.write_line(f"{name}: {value}")
