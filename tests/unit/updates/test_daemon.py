# SPDX-License-Identifier: Apache-2.0
"""The daemon, asked through its socket; RAUC is a script, for installing takes a board."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.requests import RequestError, Requests, ask
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState, UpdatesState
from mokanda_firmware.bus.statuses import CourierStatus, UpdatesStatus
from mokanda_firmware.updates import daemon, kept
from mokanda_firmware.updates.daemon import Daemon
from mokanda_firmware.updates.memory import Memory
from mokanda_firmware.uplink import offer
from mokanda_firmware.uplink.failures import LinkError
from mokanda_firmware.uplink.offer import Delta, Offer
from tests.statuses import published

CONTENT = b"an update"
OFFER = Offer("1.1.0", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "/v1/release/x.raucb")

SOUND = """echo '{"version": "1.1.0"}'"""  # what RAUC says of such a bundle

SMALL = OFFER._replace(delta=Delta("0" * 64, 5700, "1" * 64, "/v1/release/x.delta"))


def rauc(folder: Path, monkeypatch: pytest.MonkeyPatch, *, info: str, install: str) -> None:
    """Put a RAUC first on the PATH that runs these shell commands."""
    path = folder / "bin" / "rauc"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\ncase "$1" in\ninfo) {info} ;;\ninstall) {install} ;;\nesac\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


@pytest.fixture
def sound(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A RAUC that takes the update."""
    rauc(device, monkeypatch, info=SOUND, install='echo "100% done"')


def no_link() -> NoReturn:
    raise LinkError(Sentence("No modem is plugged in."))


class Running:
    """A daemon in a thread of its own."""

    def __init__(self) -> None:
        self.restarted = threading.Event()
        self.requests = Requests("updates")
        self.daemon = Daemon(self.requests, no_link, self.restarted.set)
        self.thread = threading.Thread(target=self.daemon.run)
        self.statuses = Subscription()
        self.thread.start()

    def wait_for(self, state: UpdatesState) -> UpdatesStatus:
        while (now := UpdatesStatus.read()) is None or now.state is not state:
            assert self.statuses.wait(10), f"it is {now}"
        return now

    def end(self) -> None:
        self.thread.join(10)
        self.statuses.close()
        self.requests.close()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Running]]:
    monkeypatch.setattr(daemon, "_IDLE", 0.5)
    started: list[Running] = []

    def start() -> Running:
        started.append(Running())
        return started[-1]

    yield start
    for each in started:
        each.end()


def fetched(folder: Path) -> Path:
    """The offered update, as if it had been downloaded before."""
    path = folder / f"{OFFER.sha256}.raucb"
    folder.mkdir(exist_ok=True)
    path.write_bytes(CONTENT)
    return path


def test_without_an_offer_it_tells_what_runs() -> None:
    daemon.show()
    shown = published(UpdatesStatus)
    assert (shown.state, shown.version, shown.slot) == (UpdatesState.IDLE, "1.0.0", "A")


def test_an_offer_is_shown_with_its_size() -> None:
    offer.write(Offer("1.1.0", 45_200_000, "0" * 64, "/v1/release/x.raucb"))
    daemon.show()
    shown = published(UpdatesStatus)
    assert (shown.state, shown.offered, shown.size) == (UpdatesState.AVAILABLE, "1.1.0", 45_200_000)
    assert "45.2 MB" in str(shown.detail)


def test_an_offer_is_shown_with_the_size_of_its_delta() -> None:
    offer.write(SMALL)
    daemon.show()
    shown = published(UpdatesStatus)
    assert (shown.state, shown.size) == (UpdatesState.AVAILABLE, 5700)
    assert "6 KB" in str(shown.detail)


def test_where_the_delta_does_not_fit_nothing_else_is_fetched_unasked(
    start: Callable[[], Running],
) -> None:
    offer.write(SMALL)
    running = start()
    running.wait_for(UpdatesState.AVAILABLE)
    ask("updates", "install")
    while "does not fit" not in str((shown := running.wait_for(UpdatesState.AVAILABLE)).detail):
        assert running.statuses.wait(10)
    assert shown.size == OFFER.size
    assert Memory.read() == Memory(whole=OFFER.version)


def test_what_does_not_fit_is_fetched_whole_when_it_is_asked_for(
    start: Callable[[], Running],
) -> None:
    Memory(whole=OFFER.version).keep()
    offer.write(SMALL)
    running = start()
    ask("updates", "install")
    failed = running.wait_for(UpdatesState.FAILED)  # there is no link
    assert "No modem" in str(failed.detail)
    assert Memory.read().wanted == Memory.read().whole == OFFER.version


def test_the_running_version_is_no_offer() -> None:
    offer.write(Offer("1.0.0", 9, "0" * 64, "/v1/release/x.raucb"))
    daemon.show()
    assert published(UpdatesStatus).state is UpdatesState.IDLE


def test_an_older_version_is_none_to_install(start: Callable[[], Running]) -> None:
    offer.write(Offer("0.9.9", 9, "0" * 64, "/v1/release/x.raucb"))
    running = start()
    shown = running.wait_for(UpdatesState.IDLE)
    assert "offers 0.9.9, which is older" in str(shown.detail)
    with pytest.raises(RequestError, match="no update to install"):
        ask("updates", "install")


def test_a_withdrawn_offer_is_forgotten() -> None:
    offer.write(OFFER)
    offer.write(None)
    assert offer.read() is None


def test_a_damaged_note_is_no_offer() -> None:
    paths.offer().write_text('{"version": "1.1.0"}')
    assert offer.read() is None


@pytest.mark.usefixtures("sound")
def test_nothing_happens_unasked(start: Callable[[], Running]) -> None:
    fetched(paths.updates())
    offer.write(OFFER)
    running = start()
    running.thread.join(10)
    assert published(UpdatesStatus).state is UpdatesState.AVAILABLE
    assert not running.restarted.is_set()


@pytest.mark.usefixtures("sound")
def test_asked_for_it_is_installed_and_the_board_restarted(start: Callable[[], Running]) -> None:
    bundle = fetched(paths.updates())
    offer.write(OFFER)
    running = start()
    assert ask("updates", "install") == {"accepted": True}
    running.wait_for(UpdatesState.INSTALLED)
    assert running.restarted.wait(10)
    memory = Memory.read()
    trial = Memory(trial="1.1.0", slot="B", installed=True)
    assert memory == trial._replace(begun=memory.begun, lacked=memory.lacked)
    assert memory.begun
    assert "courier" in memory.lacked  # there is none here
    assert not bundle.exists()


@pytest.mark.usefixtures("sound")
def test_what_was_installed_is_kept_to_mend_by(
    start: Callable[[], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "ROOM", 0)
    fetched(paths.updates())
    offer.write(OFFER)
    running = start()
    ask("updates", "install")
    assert running.restarted.wait(10)
    file = kept.open_kept()
    assert file is not None
    with file:
        assert file.read() == CONTENT


def test_nobody_else_writes_to_slots_meanwhile(
    device: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[], Running]
) -> None:
    is_free = f'flock --nonblock "{paths.slots_lock()}" true'
    rauc(device, monkeypatch, info=SOUND, install=f"{is_free} && exit 1; exit 0")
    fetched(paths.updates())
    offer.write(OFFER)
    running = start()
    ask("updates", "install")
    assert running.restarted.wait(10)


@pytest.mark.usefixtures("sound")
def test_what_was_asked_for_goes_on_when_the_next_offer_comes(
    start: Callable[[], Running],
) -> None:
    fetched(paths.updates())
    Memory(wanted="1.1.0").keep()
    offer.write(OFFER)
    assert start().restarted.wait(10)


def test_an_offer_that_comes_while_it_serves_is_shown(start: Callable[[], Running]) -> None:
    running = start()
    running.wait_for(UpdatesState.IDLE)
    offer.write(OFFER)
    CourierStatus(CourierState.IDLE).publish()
    running.wait_for(UpdatesState.AVAILABLE)


@pytest.mark.usefixtures("sound")
def test_a_download_that_cannot_be_had_now_stays_wanted(start: Callable[[], Running]) -> None:
    offer.write(OFFER)
    running = start()
    ask("updates", "install")
    shown = running.wait_for(UpdatesState.FAILED)
    assert "No modem is plugged in" in str(shown.detail)
    assert "it goes on after the next mail run" in str(shown.detail)
    assert Memory.read().wanted == "1.1.0"


def test_a_refused_update_says_why_and_is_not_tried_again(
    device: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[], Running]
) -> None:
    refusal = 'echo "signature verification failed: unknown" >&2; exit 1'
    rauc(device, monkeypatch, info=refusal, install="exit 1")
    bundle = fetched(paths.updates())
    offer.write(OFFER)
    running = start()
    ask("updates", "install")
    shown = running.wait_for(UpdatesState.FAILED)
    assert "not signed by those" in str(shown.detail)
    assert isinstance(shown.detail, Sentence)  # after a restart, too
    assert Memory.read().failed == "1.1.0"
    assert Memory.read().wanted == ""
    assert not bundle.exists()
    assert not running.restarted.is_set()


def test_what_was_put_off_is_started_once_more_without_a_download(
    device: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[], Running]
) -> None:
    rauc(device, monkeypatch, info="exit 1", install="exit 1")
    offer.write(OFFER)
    full = Sentence("The card is full, or cannot be written to.")
    put_off = Memory(trial="1.1.0", slot="B", installed=True, put_off=True)
    put_off._replace(failed="1.1.0", reason=full).keep()
    running = start()
    running.wait_for(UpdatesState.FAILED)
    ask("updates", "install")
    assert running.restarted.wait(10)
    assert Memory.read().trial == "1.1.0"
    assert not Memory.read().put_off


def test_nothing_takes_the_place_of_the_slot_to_go_back_to(start: Callable[[], Running]) -> None:
    Memory(trial="1.0.0", slot="A", installed=True).keep()
    offer.write(OFFER)
    start()
    with pytest.raises(RequestError, match="has to prove itself first"):
        ask("updates", "install")


def test_a_newer_offer_follows_a_failed_one() -> None:
    Memory(failed="1.1.0", reason=Sentence("It was refused.")).keep()
    offer.write(Offer("1.1.1", 9, "0" * 64, "/v1/release/x.raucb"))
    daemon.show()
    assert published(UpdatesStatus).state is UpdatesState.AVAILABLE


def test_without_an_offer_there_is_nothing_to_install(start: Callable[[], Running]) -> None:
    start()
    with pytest.raises(RequestError, match="no update to install"):
        ask("updates", "install")


def test_an_unknown_request_is_refused(start: Callable[[], Running]) -> None:
    start()
    with pytest.raises(RequestError, match="does not understand"):
        ask("updates", "dance")


def test_asking_the_relay_takes_the_courier(start: Callable[[], Running]) -> None:
    start()
    with pytest.raises(RequestError, match="does not answer now"):
        ask("updates", "check")


def test_a_check_lets_a_failed_update_be_tried_again(start: Callable[[], Running]) -> None:
    Memory(failed="1.1.0", reason=Sentence("It was refused.")).keep()
    offer.write(OFFER)
    running = start()
    running.wait_for(UpdatesState.FAILED)
    with pytest.raises(RequestError):
        ask("updates", "check")
    running.wait_for(UpdatesState.AVAILABLE)


def test_a_check_is_a_sync(start: Callable[[], Running]) -> None:
    courier = Requests("courier")

    def answer() -> None:
        received = courier.receive(10)
        assert received is not None
        assert received.verb == "sync"
        received.reply(accepted=True)

    thread = threading.Thread(target=answer)
    thread.start()
    start()
    assert ask("updates", "check") == {"accepted": True}
    thread.join(10)
    courier.close()
