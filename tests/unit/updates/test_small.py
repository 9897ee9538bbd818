# SPDX-License-Identifier: Apache-2.0
"""Updates by a delta, from a relay that counts what it is asked for."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from mokanda_firmware.updates import download, slot, small
from mokanda_firmware.updates.download import FailedDownloadError, InterruptedDownloadError
from mokanda_firmware.uplink.offer import Delta, Offer
from tests.unit.updates.a_delta import a_delta, a_slot, block, parts

WORDS = b" ".join(str(number * number).encode() for number in range(9000))


class Relay:
    """Has one file, and gives no more than `allowance` bytes of it."""

    def __init__(self, content: bytes) -> None:
        self.content, self.allowance, self.given = content, 1 << 30, 0
        self.status = 206

    @contextmanager
    def link(self) -> Iterator["Relay"]:
        yield self

    def get(self, path: str, offset: int) -> SimpleNamespace:
        assert path == "/delta"
        some = self.content[offset : offset + self.allowance]
        self.allowance -= len(some)
        self.given += len(some)
        size = len(self.content)
        headers = {"Content-Range": f"bytes {offset}-{size - 1}/{size}"}
        said = {"status": self.status, "reason": "", "headers": headers}
        return SimpleNamespace(**said, read1=io.BytesIO(some).read)


class Scene:
    """A slot that runs, an update, and the relay that offers it."""

    def __init__(self, folder: Path) -> None:
        self.slot, self.folder = folder / "slot", folder / "updates"
        blocks = a_slot(self.slot, [WORDS])
        delta, self.update = a_delta(self.slot, [block(b"new" + WORDS, *blocks)])
        self.relay = Relay(delta)
        base, sha256 = (hashlib.sha256(each).hexdigest() for each in (parts(self.slot), delta))
        self.delta = Delta(base, len(delta), sha256, "/delta")
        whole = hashlib.sha256(self.update).hexdigest()
        self.offered = Offer("1.1.0", len(self.update), whole, "/whole", self.delta)

    def fetch(self) -> bytes:
        def done(_bytes: int) -> None:
            pass

        path = small.fetch(
            self.relay.link,  # type: ignore[arg-type]
            self.offered,
            self.delta,
            self.folder,
            fetched=done,
            built=done,
        )
        return path.read_bytes()

    def left(self) -> set[str]:
        return {path.suffix for path in self.folder.iterdir()}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene(tmp_path)
    monkeypatch.setattr(slot, "running", lambda: scene.slot)
    return scene


def rot(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(200)
        file.write(b"\0\0")


def test_the_update_comes_out_and_only_its_delta_is_fetched(scene: Scene) -> None:
    assert scene.fetch() == scene.update
    assert scene.relay.given == scene.delta.size < 200 < len(scene.update)
    assert scene.left() == {".raucb"}


def test_what_does_not_fit_what_runs_is_not_fetched(scene: Scene) -> None:
    rot(scene.slot)
    with pytest.raises(small.UnfitError):
        scene.fetch()
    assert scene.relay.given == 0


def test_without_a_slot_nothing_fits(scene: Scene) -> None:
    scene.slot.unlink()
    with pytest.raises(small.UnfitError):
        scene.fetch()


def test_a_broken_link_costs_nothing_that_has_come(scene: Scene) -> None:
    scene.relay.allowance = 50
    with pytest.raises(InterruptedDownloadError):
        scene.fetch()
    scene.relay.allowance = 1 << 30
    assert scene.fetch() == scene.update
    assert scene.relay.given == scene.delta.size


def test_after_a_power_cut_nothing_is_fetched_again(scene: Scene) -> None:
    scene.folder.mkdir()
    (scene.folder / f"{scene.delta.sha256}.delta").write_bytes(scene.relay.content)
    (scene.folder / f"{scene.offered.sha256}.rebuilt").write_bytes(scene.update)
    assert scene.fetch() == scene.update
    assert scene.relay.given == 0


def test_what_a_power_cut_has_damaged_is_made_anew(scene: Scene) -> None:
    scene.folder.mkdir()
    (scene.folder / f"{scene.offered.sha256}.rebuilt").write_bytes(bytes(len(scene.update)))
    assert scene.fetch() == scene.update


def test_bits_that_rot_while_it_is_fetched_are_noticed(scene: Scene) -> None:
    scene.folder.mkdir()
    (scene.folder / f"{scene.delta.sha256}.delta").write_bytes(scene.relay.content)
    rot(scene.slot)
    with pytest.raises(small.UnfitError):
        scene.fetch()
    assert scene.left() == set()


def test_a_delta_of_another_update_is_thrown_away(scene: Scene) -> None:
    scene.offered = scene.offered._replace(sha256="0" * 64)
    with pytest.raises(small.UnfitError):
        scene.fetch()
    assert scene.left() == set()


def test_a_delta_that_the_relay_no_longer_has_is_no_way(scene: Scene) -> None:
    scene.relay.status = 404
    with pytest.raises(small.UnfitError):
        scene.fetch()


@pytest.mark.parametrize("is_here", [False, True])
def test_without_room_for_the_update_nothing_is_fetched_or_made(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, is_here: bool
) -> None:
    usage = SimpleNamespace(free=download.RESERVE + len(scene.update) - 1)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    scene.folder.mkdir()
    if is_here:
        (scene.folder / f"{scene.delta.sha256}.delta").write_bytes(scene.relay.content)
    with pytest.raises(FailedDownloadError, match="no room"):
        scene.fetch()
    assert scene.relay.given == 0
    assert scene.left() <= {".delta"}


def test_other_updates_are_forgotten(scene: Scene) -> None:
    scene.folder.mkdir()
    for ending in (".raucb", ".part", ".delta", ".rebuilt"):
        (scene.folder / f"{'1' * 64}{ending}").write_bytes(b"old")
    scene.fetch()
    assert scene.left() == {".raucb"}
