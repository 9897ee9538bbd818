# SPDX-License-Identifier: Apache-2.0
"""An update from the relay to the device, both real, up to the moment that takes a board."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.updates import download
from mokanda_firmware.updates.link import to_relay
from mokanda_firmware.uplink import offer
from mokanda_relay.operator import devices, rollouts
from mokanda_wire.delta import Header
from tests.relay_served import Served
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)

CONTENT = os.urandom(200_000)


@pytest.fixture
def village(new_village: Village, monkeypatch: pytest.MonkeyPatch) -> Village:
    """A village whose device runs version 1.0.0 on an Orange Pi Zero."""
    release = {"ID": "mokanda", "VERSION_ID": "1.0.0", "VARIANT_ID": "orangepi-zero"}
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    return new_village


def release(served: Served, tmp_path: Path, version: str, board: str = "orangepi-zero") -> None:
    file = tmp_path / "update.raucb"
    file.write_bytes(CONTENT)
    rollouts.publish(served.relay, file, version, board)


def test_a_release_is_offered_once_the_relay_knows_the_board(
    village: Village, served: Served, tmp_path: Path
) -> None:
    release(served, tmp_path, "1.1.0")
    village.sync()
    village.sync()
    offered = offer.read()
    assert offered is not None
    assert (offered.version, offered.size) == ("1.1.0", len(CONTENT))


@pytest.mark.parametrize(("version", "board"), [("1.0.0", "orangepi-zero"), ("1.1.0", "other")])
def test_no_offer_of_what_runs_or_of_another_board(
    village: Village, served: Served, tmp_path: Path, version: str, board: str
) -> None:
    release(served, tmp_path, version, board)
    village.sync()
    village.sync()
    assert offer.read() is None


def test_an_offered_release_is_fetched(village: Village, served: Served, tmp_path: Path) -> None:
    release(served, tmp_path, "1.1.0+1.g0123")
    village.sync()
    village.sync()
    offered = offer.read()
    assert offered is not None
    begun = paths.updates() / f"{offered.sha256}.part"
    begun.parent.mkdir()
    begun.write_bytes(CONTENT[:1000])
    fetched = download.fetch(to_relay, offered, paths.updates(), lambda _done: None)
    assert fetched.read_bytes() == CONTENT


def test_the_delta_from_what_runs_is_offered_beside_it(
    village: Village, served: Served, tmp_path: Path
) -> None:
    update, delta = tmp_path / "update.raucb", tmp_path / "some.delta"
    update.write_bytes(CONTENT)
    sha256 = hashlib.sha256(CONTENT).digest()
    delta.write_bytes(Header(b"b" * 32, "1.0.0", 19, 10507, len(CONTENT), sha256).dump())
    rollouts.publish(served.relay, update, "1.1.0", "orangepi-zero", [delta])
    village.sync()
    village.sync()
    offered = offer.read()
    assert offered is not None
    assert offered.delta is not None
    assert offered.delta.base == (b"b" * 32).hex()
    paths.updates().mkdir()
    fetched = download.fetch_delta(to_relay, offered.delta, paths.updates(), lambda _done: None)
    assert fetched.read_bytes() == delta.read_bytes()


def test_a_relay_that_is_new_to_the_device_learns_its_board(
    village: Village, served: Served, tmp_path: Path
) -> None:
    release(served, tmp_path, "1.1.0")
    village.sync()
    shutil.rmtree(paths.keys())
    claim = devices.add(served.relay, "again", "again.example")
    village.import_claim(claim._replace(relay=served.device_url))
    village.sync()
    village.sync()
    assert offer.read() is not None
