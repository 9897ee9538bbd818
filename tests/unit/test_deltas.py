# SPDX-License-Identifier: Apache-2.0
"""Deltas between updates as they are: mksquashfs, RAUC and zstd are the toolbox's."""

import hashlib
import io
import os
import random
import subprocess
import zlib
from pathlib import Path

import pytest

from mokanda_firmware.updates.kept import KeptSlot
from mokanda_firmware.updates.mending import Fit, RootHash, System
from mokanda_firmware.updates.partition import Partition
from mokanda_firmware.updates.slot import FIT
from mokanda_firmware.updates.verity import BLOCK, block_hash, levels
from mokanda_wire.delta import Header
from scripts.assembly import card, kernel, verity
from scripts.releases import signing_keys
from scripts.releases.deltas.squashfs import Squashfs
from scripts.releases.image import Image, Keys
from scripts.releases.release import bundle, delta
from scripts.tools.digest import file_sha256
from scripts.tools.repository import REPOSITORY, TOOLBOX
from scripts.tools.steps import Log

ZSTD, ZLIB = "usr/lib/libzstd.so.1.5.7", "usr/lib/libz.so.1.3.1"  # the toolbox's, too
WORDS = [f"{number * number}".encode() for number in range(9000)]
BOOT = random.Random(1).randbytes(300_000)


def code(seed: int, size: int) -> bytes:
    return b" ".join(random.Random(seed).choices(WORDS, k=size // 8))


def write(root: Path, name: str, content: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deltas")


@pytest.fixture(scope="module")
def keys(folder: Path) -> Keys:
    signing_keys.make(folder / "keys")
    return Keys(folder / "keys/release.key.pem", folder / "keys/release.cert.pem")


class Releases:
    """Makes updates of a root file system, and of what boots it."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.folder, self.keys = folder, keys
        self.root = folder / "root"
        for number in range(40):
            write(self.root, f"usr/lib/python3/module{number}.py", code(number, 9000))
        write(self.root, "usr/lib/libcrypto.so.3", code(100, 600_000))
        write(self.root, "usr/share/noise", random.Random(2).randbytes(200_000))
        write(self.root, ZSTD, b"a library")
        write(self.root, ZLIB, b"a library")

    def make(self, version: str, boot: bytes = BOOT) -> Path:
        work = self.folder / version
        work.mkdir()
        log = Log(work / "log")
        write(self.root, "usr/lib/os-release", f"VERSION_ID={version}\n".encode())
        for path in [self.root, *self.root.rglob("*")]:
            os.utime(path, (0, 0))
        squashed = work / "root.squashfs"
        log.run(TOOLBOX, *card.squash_command(self.root, squashed))
        blocks, salt = squashed.stat().st_size // verity.BLOCK, file_sha256(squashed)
        log.run(TOOLBOX, *verity.tree_command(squashed, blocks, salt))
        fit = work / "fit"
        size = (len(boot) + 8).to_bytes(4, "big")
        fit.write_bytes(b"\xd0\x0d\xfe\xed" + size + boot)
        card.slot(squashed, fit, work / "slot.img")
        record = {
            "board": "orangepi-zero",
            "compatible": "mokanda-orangepi-zero",
            "version": version,
            "commit": "0123456789abcdef",
            "source_date_epoch": 1_700_000_000,
        }
        return bundle(Image(work, record), self.keys, work, log)

    def delta(self, old: Path, new: Path) -> bytes:
        version = new.parent.name
        image = Image(new.parent, {"board": "orangepi-zero", "version": version})
        return delta(image, old, new.parent, Log(new.parent / "log")).read_bytes()


@pytest.fixture(scope="module")
def releases(folder: Path, keys: Keys) -> Releases:
    return Releases(folder, keys)


@pytest.fixture(scope="module")
def old(releases: Releases) -> Path:
    return releases.make("1.0.0")


def rebuilt(made: Path, old: Path, folder: Path) -> bytes:
    """What a device makes of a delta that runs the old update."""
    apply = (
        "import sys; from mokanda_firmware.updates import rebuild, slot\n"
        "delta, base, update = (open(*each) for each in zip(sys.argv[1:], ('rb', 'rb', 'w+b')))\n"
        "rebuild.rebuild(delta, slot.Slot(base), update, lambda _: None)\n"
    )
    update = folder / "update"
    path = f"PYTHONPATH={REPOSITORY}/firmware:{REPOSITORY}/wire"
    run = ("python3", "-B", "-c", apply, made, old.with_name("slot.img"), update)
    subprocess.run([TOOLBOX, "env", path, *run], check=True)
    return update.read_bytes()


def test_a_changed_module_travels_in_a_few_kilobytes(releases: Releases, old: Path) -> None:
    module = releases.root / "usr/lib/python3/module7.py"
    module.write_bytes(module.read_bytes() + b"a new line\n")
    new = releases.make("1.0.1")
    made = releases.delta(old, new)
    assert Header.read(io.BytesIO(made)).base_version == "1.0.0"
    assert len(made) < 8000 < 900_000 < new.stat().st_size


def test_the_device_rebuilds_it_byte_for_byte(
    releases: Releases, old: Path, tmp_path: Path
) -> None:
    library = releases.root / "usr/lib/libcrypto.so.3"
    content = library.read_bytes()
    library.write_bytes(content[:200_000] + b"mended " * 100 + content[200_300:])
    new = releases.make("1.0.2", BOOT[:100_000] + b"another kernel" + BOOT[100_200:])
    made = tmp_path / "delta"
    made.write_bytes(releases.delta(old, new))
    assert rebuilt(made, old, tmp_path) == new.read_bytes()
    assert made.stat().st_size < 20_000


def test_where_blocks_cannot_be_packed_again_they_travel_as_they_are(
    releases: Releases, old: Path
) -> None:
    """As with a base whose zstd is another than that by which the new system is packed."""
    library = releases.root / ZSTD
    library.rename(library.with_name("libzstd.so.1.4.0"))
    other = releases.make("1.0.3")
    library.with_name("libzstd.so.1.4.0").rename(library)
    module = releases.root / "usr/lib/python3/module7.py"
    module.write_bytes(module.read_bytes() + b"another new line\n")
    new = releases.make("1.0.4")
    assert 5 * len(releases.delta(old, new)) < len(releases.delta(other, new)) < 100_000


def a_kernel(content: bytes) -> bytes:
    """What boots a slot, as scripts/assembly/kernel.py has it."""
    return BOOT[:5000] + b"".join(kernel.pack(content)) + BOOT[5000:9000]


LINUX = code(200, 2_000_000)
# What has grown moves the rest to other pieces.
MENDED = LINUX[:300_000] + code(201, 150_000) + LINUX[300_000:1_500_000] + LINUX[1_500_100:]


def test_a_changed_kernel_travels_as_what_has_changed(releases: Releases, tmp_path: Path) -> None:
    old, new = (
        releases.make(version, a_kernel(content))
        for version, content in (("2.0.0", LINUX), ("2.0.1", MENDED))
    )
    made = tmp_path / "delta"
    made.write_bytes(releases.delta(old, new))
    assert rebuilt(made, old, tmp_path) == new.read_bytes()
    assert made.stat().st_size < 90_000 < 600_000 < len(a_kernel(MENDED))


def test_of_a_kernel_that_was_packed_otherwise_nothing_is_found(releases: Releases) -> None:
    """As of one that unpacks itself, or where a device has another zlib."""
    new = releases.make("2.0.4", a_kernel(MENDED))
    gzip = zlib.compressobj(9, wbits=31)
    whole = BOOT[:5000] + gzip.compress(LINUX) + gzip.flush() + BOOT[5000:9000]
    library = releases.root / ZLIB
    library.rename(library.with_name("libz.so.1.2.3"))
    others = [releases.make("2.0.2", whole), releases.make("2.0.3", a_kernel(LINUX))]
    library.with_name("libz.so.1.2.3").rename(library)
    for other in others:
        assert len(releases.delta(other, new)) > 500_000


def test_files_are_read_out_of_a_bundle(old: Path) -> None:
    content = Squashfs(old.read_bytes()).read("/slot.img")
    assert content == old.with_name("slot.img").read_bytes()


@pytest.mark.parametrize("size", [100, 10_000, 20_000, 30_000, 40_000])
def test_files_are_read_out_of_a_file_system_of_any_length(tmp_path: Path, size: int) -> None:
    """RAUC's have an export table, which says at the end of the directories where it lies."""
    content = random.Random(size).randbytes(size)
    write(tmp_path / "root", "content", content)
    options = ("-comp", "zstd", "-noD", "-no-fragments", "-no-xattrs", "-quiet", "-no-progress")
    image = tmp_path / "image"
    Log(tmp_path / "log").run(TOOLBOX, "mksquashfs", tmp_path / "root", image, *options)
    assert Squashfs(image.read_bytes()).read("/content") == content


def test_blocks_of_a_slot_are_read_out_of_a_bundle(old: Path) -> None:
    """By these a device mends what has rotted (mokanda_firmware.updates.kept)."""
    slot = old.with_name("slot.img").read_bytes()
    root = old.with_name("root.squashfs").read_bytes()
    with old.open("rb") as file:
        kept = KeptSlot(file, len(root) // BLOCK)
        for place in (*range(len(root) // BLOCK), *range(FIT // BLOCK, len(slot) // BLOCK)):
            assert kept.block(place) == slot[place * BLOCK :][:BLOCK], place


def test_a_slot_with_a_tree_of_veritysetup_s_is_known_and_mended(old: Path, tmp_path: Path) -> None:
    squashed = old.with_name("root.squashfs").read_bytes()
    whole = len(squashed) // BLOCK
    data = next(
        blocks
        for blocks in range(2, whole)
        if sum(level.blocks for level in levels(blocks)) == whole
    )
    salt = hashlib.sha256(squashed[: data * BLOCK]).digest()
    root = RootHash(data, block_hash(squashed[data * BLOCK :][:BLOCK], salt), salt)
    path = tmp_path / "slot"
    path.write_bytes(old.with_name("slot.img").read_bytes())
    with path.open("r+b") as file:
        for number in (7, data, data + 1, FIT // BLOCK + 1):
            file.seek(number * BLOCK + 99)
            file.write(b"rot")
    with Partition(path) as partition, old.open("rb") as file:
        kept = KeptSlot(file, len(squashed) // BLOCK)
        fit = Fit.of(kept)
        assert fit is not None
        system = System(root, fit, [partition, kept])
        rotten = system.rotten(partition)
        assert sorted(rotten) == [7, data, data + 1, FIT // BLOCK + 1]
        for number in rotten:
            right = system.right(number)
            assert right is not None
            assert partition.put(number, right)
    assert path.read_bytes() == old.with_name("slot.img").read_bytes()
