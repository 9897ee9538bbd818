# SPDX-License-Identifier: Apache-2.0
"""The files of a release: signed update, packed card, bill of materials, manifest, checksums."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mokanda_wire.delta import SUFFIX
from scripts.releases import legal_info
from scripts.releases.bill_of_materials import bill_of_materials
from scripts.releases.image import Image, Keys
from scripts.tools.digest import file_sha256
from scripts.tools.repository import REPOSITORY, TOOLBOX
from scripts.tools.steps import Log, say

DELTAS = 3  # from so many releases before


def build(
    image: Image,
    keys: Keys,
    output: Path,
    collected: Path | None = None,
    earlier: Sequence[Path] = (),
) -> list[Path]:
    """Write a checked image's release into `output`; returns its files. Raises StepError.

    `collected` is what Buildroot's legal-info left, for an image from source; `earlier` are the
    updates from which deltas are made.
    """
    record, name = image.record, image.name
    output.mkdir(parents=True, exist_ok=True)
    log = Log(output.parent / f"{name}.log")
    files = []

    say("signing the update")
    files.append(bundle(image, keys, output, log))
    files += [delta(image, old, output, log) for old in earlier]
    say("compressing the card's image")
    files += compress(image, output, log)
    files.append(output / f"{name}.cdx.json")
    files[-1].write_text(bill_of_materials(record), encoding="utf-8")
    if collected:
        say("packing the licences")
        files.append(legal_info.pack(image, collected, output, log))

    manifest = output / f"{name}.json"
    _write_json(
        manifest,
        {
            "version": record["version"],
            "board": record["board"],
            "compatible": record["compatible"],
            "commit": record["commit"],
            "security": record["security"],
            "locked": record["locked"],
            "suites": record["suites"],
            "files": [
                {"name": path.name, "size": path.stat().st_size, "sha256": file_sha256(path)}
                for path in files
            ],
        },
    )
    files += [manifest, sign(manifest, keys, log)]
    sums = output / "SHA256SUMS"
    everything = sorted(path for path in output.iterdir() if path != sums)
    sums.write_text("".join(f"{file_sha256(path)}  {path.name}\n" for path in everything))
    return [*files, sums]


def bundle(image: Image, keys: Keys, output: Path, log: Log) -> Path:
    """Make the update: a RAUC bundle of format verity."""
    record = image.record
    path = output / f"{image.name}.raucb"
    path.unlink(missing_ok=True)
    with _scratch(output) as content, _readable_by_toolbox(keys) as near:
        os.link(image.folder / "slot.img", content / "slot.img")
        (content / "manifest.raucm").write_text(
            f"[update]\ncompatible={record['compatible']}\nversion={record['version']}\n"
            f"build={record['commit']}\n\n[bundle]\nformat=verity\n\n"
            "[image.system]\nfilename=slot.img\n"
        )
        log.run(
            *(TOOLBOX, "env", f"SOURCE_DATE_EPOCH={record['source_date_epoch']}"),
            *("rauc", "bundle", f"--key={near.key}", f"--cert={near.certificate}"),
            # What is in the slot is compressed, and deltas want it to lie there as it is.
            "--mksquashfs-args=-comp zstd -no-fragments -noD",
            *(content, path),
        )
    return path


def delta(image: Image, old: Path, output: Path, log: Log) -> Path:
    """Make what a device that runs the system of an old update needs of the new one."""
    base = old.stem.removeprefix(f"mokanda-{image.record['board']}-")
    say(f"making the delta from {base}")
    path = output / f"{image.name}-from-{base}{SUFFIX}"
    path.unlink(missing_ok=True)
    libraries = ":".join(str(REPOSITORY / part) for part in ("", "firmware", "wire"))
    log.run(
        *(TOOLBOX, "--bind", old.parent, "env", f"PYTHONPATH={libraries}", "python3", "-B"),
        *("-m", "scripts.releases.deltas", old.resolve(), output / f"{image.name}.raucb", path),
    )
    return path


def earlier_updates(image: Image, releases: Path) -> list[Path]:
    """The last updates of a board in the folder of releases, the newest first."""
    found = [
        path
        for path in releases.glob(f"*/mokanda-{image.record['board']}-*.raucb")
        if path.stem != image.name
    ]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)[:DELTAS]


def compress(image: Image, output: Path, log: Log) -> list[Path]:
    """Make the card's image small; its block map goes with it."""
    source = image.folder / "mokanda.img"
    packed, block_map = (output / f"{image.name}.img{end}" for end in (".zst", ".bmap"))
    shutil.copyfile(source.with_suffix(".bmap"), block_map)
    # The window reaches from one slot to its twin, and is the widest that zstd unpacks unasked.
    log.run(
        *(TOOLBOX, "zstd", "-10", "--long=27", "--threads=0", "--quiet", "--force"),
        *("-o", packed, source),
    )
    return [packed, block_map]


def sign(path: Path, keys: Keys, log: Log) -> Path:
    """Write a detached CMS signature of a file, as the updates' own are."""
    signature = path.with_name(f"{path.name}.p7s")
    with _readable_by_toolbox(keys) as near:
        log.run(
            *(TOOLBOX, "openssl", "cms", "-sign", "-binary", "-in", path),
            *("-signer", near.certificate, "-inkey", near.key),
            *("-outform", "DER", "-out", signature),
        )
    return signature


def publish(image: Image, output: Path, relay_data: Path, log: Log) -> None:
    """Give the update to the relay whose data lie in a folder."""
    say(f"giving the update to the relay in {relay_data}")
    log.run(
        *(REPOSITORY / "build/venv/bin/mokanda-relay", "release", "add", "--data", relay_data),
        *("--version", image.record["version"], "--board", image.record["board"]),
        *(f"--delta={path}" for path in sorted(output.glob(f"{image.name}-from-*{SUFFIX}"))),
        output / f"{image.name}.raucb",
    )


@contextmanager
def _scratch(output: Path) -> Iterator[Path]:
    """A folder on the same file system as `output`, for hard links."""
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".scratch-") as folder:
        yield Path(folder)


@contextmanager
def _readable_by_toolbox(keys: Keys) -> Iterator[Keys]:
    """The keys where the toolbox sees them: in memory only, as long as they are needed."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="mokanda-") as folder:
        key, certificate = Path(folder) / "key.pem", Path(folder) / "cert.pem"
        shutil.copy(keys.key, key)
        shutil.copy(keys.certificate, certificate)
        yield Keys(key, certificate)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
