# SPDX-License-Identifier: Apache-2.0
"""Make a release of a board's image; run by scripts/release."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scripts import release_keys
from scripts.bill_of_materials import bill_of_materials
from scripts.steps import Log, StepError, megabytes, say

REPOSITORY = Path(__file__).resolve().parent.parent
# Debian writes the index of its security updates anew at least once a week.
SECURITY_AGE = timedelta(days=30)
TOOLBOX = REPOSITORY / "scripts" / "toolbox"
DESCRIPTION = """Make a release of the image that `make image` built.

Writes to build/release/<version>/, each name beginning with mokanda-<board>-<version>:

    .img.zst, .img.bmap  the card's image and its block map (bmaptool flashes with both)
    .raucb               the signed update
    .cdx.json            the bill of materials (CycloneDX)
    .json, .json.p7s     the manifest and its signature

and SHA256SUMS over all of them. MOKANDA_RELEASE_KEY and MOKANDA_RELEASE_CERT name the
operator's own keys (see scripts/keys --help); otherwise development keys sign, which is
possible for development versions only."""


class RefusedError(Exception):
    """This image must not be released; the text says why, and what to do."""


@dataclass(frozen=True)
class Image:
    """A board's image as scripts/image left it in a folder."""

    folder: Path
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """What the names of all its files begin with."""
        return f"mokanda-{self.record['board']}-{self.record['version']}"

    @property
    def development(self) -> bool:
        """Whether its version is one that nobody relies on."""
        return "-dev" in self.record["version"]


@dataclass(frozen=True)
class Keys:
    """The signing key's file, and its certificates' (the last one is the devices' authority)."""

    key: Path
    certificate: Path


def read_image(folder: Path) -> Image:
    """Find the image in a folder; raises RefusedError when there is none."""
    try:
        return Image(folder, json.loads((folder / "record.json").read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RefusedError(f"there is no image in {folder}; make one with: make image") from error


def check(
    image: Image,
    keys: Keys,
    now: datetime,
    *,
    development_keys: bool,
    without_security: bool = False,
    without_lock: bool = False,
) -> None:
    """Raise RefusedError when the image must not go out now, signed with these keys."""
    record = image.record
    if record["commit"].endswith("-dirty") and not image.development:
        raise RefusedError(
            f"version {record['version']} was built from files that no commit holds; commit "
            "them and run make image again"
        )
    if development_keys and not image.development:
        raise RefusedError(
            f"version {record['version']} needs the operator's keys: set MOKANDA_RELEASE_KEY and "
            "MOKANDA_RELEASE_CERT, and run make image again"
        )
    if not record["locked"] and not without_lock:
        raise RefusedError(
            "the mirror had no longer what recipes/packages.lock names when this image was built, "
            "so that nobody can build it again; run make lock, commit what it writes and run make "
            "image again, or run scripts/release --without-lock"
        )
    if not without_security:
        check_security(record, now)
    authority = release_keys.authority(keys.certificate).encode()
    if record["keyring_sha256"] != hashlib.sha256(authority).hexdigest():
        raise RefusedError(
            "this image trusts updates of another authority than the one that would sign; run "
            "make image again with the same keys"
        )
    for name in ("mokanda.img", "slot.img"):
        if file_sha256(image.folder / name) != record["files"][name]["sha256"]:
            raise RefusedError(f"{name} is not as it was built; run make image again")


def check_security(record: dict[str, Any], now: datetime) -> None:
    """Raise RefusedError when security updates may be missing from an image."""
    advice = (
        "run make lock later, commit what it writes and run make image again, or run "
        "scripts/release --without-security"
    )
    if not record["security"]:
        raise RefusedError(
            f"the packages of this image were chosen without security updates; {advice}"
        )
    for suite, written in record["suites"].items():
        date = datetime.fromisoformat(written)
        if suite.endswith("-security") and now - date > SECURITY_AGE:
            raise RefusedError(
                f"the packages of this image have the security updates of {date:%Y-%m-%d}, more "
                f"than {SECURITY_AGE.days} days ago; {advice}"
            )


def build(image: Image, keys: Keys, output: Path) -> list[Path]:
    """Write a checked image's release into `output`; returns its files. Raises StepError."""
    record, name = image.record, image.name
    output.mkdir(parents=True, exist_ok=True)
    log = Log(output.parent / f"{name}.log")
    files = []

    say("signing the update")
    files.append(bundle(image, keys, output, log))
    say("compressing the card's image")
    files += compress(image, output, log)
    files.append(output / f"{name}.cdx.json")
    _write_json(files[-1], bill_of_materials(record))

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
            "--mksquashfs-args=-comp zstd -Xcompression-level 19",
            *(content, path),
        )
    return path


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
        output / f"{image.name}.raucb",
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/release",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--board", default="orangepi-zero", help="default: %(default)s")
    parser.add_argument("--version", help="refuse when the image's version is another")
    parser.add_argument(
        "--without-security",
        action="store_true",
        help="release an image that has no security updates, or old ones, all the same",
    )
    parser.add_argument(
        "--without-lock",
        action="store_true",
        help="release an image of other packages than recipes/packages.lock names all the same",
    )
    parser.add_argument(
        "--publish", type=Path, metavar="RELAY_DATA", help="give the update to this relay"
    )
    return parser.parse_args()


def main() -> int:
    """Make a release; returns the exit code."""
    arguments = _arguments()
    try:
        image = read_image(REPOSITORY / "build/image" / arguments.board)
        version = image.record["version"]
        if arguments.version not in (None, version):
            raise RefusedError(
                f"the image in {image.folder} is version {version}; make the other one with: "
                f"make image VERSION={arguments.version}"
            )
        keys = Keys(*release_keys.find())
        development_keys = keys.key.parent == release_keys.DEVELOPMENT
        check(
            image,
            keys,
            datetime.now(UTC),
            development_keys=development_keys,
            without_security=arguments.without_security,
            without_lock=arguments.without_lock,
        )
        output = REPOSITORY / "build/release" / version
        files = build(image, keys, output)
        if arguments.publish:
            publish(image, output, arguments.publish, Log(output.parent / "publish.log"))
    except (RefusedError, StepError, release_keys.KeysError, OSError) as error:
        print(f"scripts/release: {error}", file=sys.stderr)
        return 1
    say(f"version {version} for {arguments.board} is in {output.relative_to(REPOSITORY)}:")
    for path in files:
        print(f"{megabytes(path.stat().st_size):>10}  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
