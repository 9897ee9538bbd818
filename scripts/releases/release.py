# SPDX-License-Identifier: Apache-2.0
"""The files of a release: signed update, packed card, what is in it, manifest, checksums."""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from mokanda_wire.delta import SUFFIX
from scripts.releases import debian_licences, imager, legal_info, vulnerabilities
from scripts.releases.bill_of_materials import bill_of_materials
from scripts.releases.image import Image, Keys
from scripts.releases.made import Made
from scripts.releases.notes import notes
from scripts.tools.digest import file_sha256
from scripts.tools.repository import PYTHON_PATH, REPOSITORY, TOOLBOX
from scripts.tools.steps import Log, StepError, say

DELTAS = 3  # from so many releases before
SUMS = "SHA256SUMS"
# Where RAUC is told of a token, for OpenSSL; what the PIN is stays out of the log.
_TOKEN_OPTIONS = ("-keyform", "engine", "-engine", "pkcs11", "-passin", "env:RAUC_PKCS11_PIN")


class UnfitUpdateError(Exception):
    """No delta can be made from an update; the text says why."""


def build(
    image: Image,
    keys: Keys,
    output: Path,
    collected: Path | None = None,
    earlier: Sequence[Path] = (),
    *,
    all_fit: bool = False,
    address: str = "",
    fetch: Callable[[], Mapping[str, Any]] = vulnerabilities.fetch,
) -> list[Path]:
    """Write a checked image's release into `output`; returns its files. Raises StepError.

    What an earlier run has finished stays. `collected` is what Buildroot's legal-info left, for an
    image from source. Deltas are made from the first DELTAS of the `earlier` updates of which one
    can be made, from `all_fit` of them or there is no release. The release is to be found at
    `address`, and `fetch` gives what is known of vulnerabilities.
    """
    output.mkdir(parents=True, exist_ok=True)
    _Build(image, keys, output).run(
        collected, earlier, all_fit=all_fit, address=address, fetch=fetch
    )
    return finished(image, output)


def finished(image: Image, output: Path) -> list[Path]:
    """The files of an image's release: those that its manifest names, it, and checksums of all."""
    manifest = output / f"{image.name}.json"
    named = [output / each["name"] for each in json.loads(manifest.read_text())["files"]]
    return [*named, manifest, signature_of(manifest), output / SUMS]


class _Build:
    """The making of one release, step by step."""

    def __init__(self, image: Image, keys: Keys, output: Path) -> None:
        self._image, self._keys, self._output = image, keys, output
        self._log = Log(output.parent / f"{image.name}.log")
        self._made = Made(output.parent / f"{image.name}.made")
        self._files: list[Path] = []
        made_of = json.dumps(image.record, sort_keys=True) + keys.certificate.read_text()
        self._of = hashlib.sha256(made_of.encode()).hexdigest()

    def run(
        self,
        collected: Path | None,
        earlier: Sequence[Path],
        *,
        all_fit: bool,
        address: str,
        fetch: Callable[[], Mapping[str, Any]],
    ) -> None:
        image, output, log = self._image, self._output, self._log
        say("signing the update")
        self._step(self._of, [".raucb"], lambda: bundle(image, self._keys, output, log))
        self._deltas(earlier, all_fit=all_fit)
        say("compressing the card's image")
        packed, _ = self._step(
            self._of, [".img.zst", ".img.bmap"], lambda: compress(image, output, log)
        )
        say("packing the licences")
        self._step(self._of, [".licences.tar.zst"], lambda: self._pack_licences(collected))
        stated = {} if collected else debian_licences.stated(image)
        self._write(".cdx.json", bill_of_materials(image.record, stated))
        say("asking for known vulnerabilities")
        self._step(
            f"{self._of} {date.today()}",  # noqa: DTZ011 - a day of the maker's
            [".cves.json", ".cves.md"],
            lambda: self._check_vulnerabilities(fetch),
        )
        listed = json.dumps(imager.os_list(image, packed, address), indent=2)
        self._write(".os_list.json", f"{listed}\n")
        changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
        if (text := notes(changelog, image.record["version"])) is not None:
            self._write(".notes.md", text)
        else:
            say(f"note: CHANGELOG.md has no section {image.record['version']}: no release notes")
        self._finish()

    def _step(self, of: str, ends: Sequence[str], make: Callable[[], object]) -> list[Path]:
        files = [self._output / f"{self._image.name}{end}" for end in ends]
        self._files += self._made.step(of, files, make)
        return files

    def _write(self, end: str, text: str) -> None:
        path = self._output / f"{self._image.name}{end}"
        path.write_text(text, encoding="utf-8")
        self._files.append(path)

    def _deltas(self, earlier: Sequence[Path], *, all_fit: bool) -> None:
        """Make deltas from the first updates of which one can be made."""
        update = file_sha256(self._files[0])
        left = DELTAS
        for old in earlier:
            if left == 0 and not all_fit:
                break
            try:
                path = delta_from(self._image, old, self._output)
                of = f"{update} {file_sha256(old)}"
                self._files += self._made.step(
                    of, [path], functools.partial(delta, self._image, old, self._output, self._log)
                )
                left -= 1
            except (UnfitUpdateError, OSError) as error:
                if all_fit:
                    raise StepError(f"no delta can be made from {old}: {error}") from error
                say(f"note: no delta from {old}, which is left out: {error}")

    def _pack_licences(self, collected: Path | None) -> None:
        if collected:
            legal_info.pack(self._image, collected, self._output, self._log)
        else:
            debian_licences.pack(self._image, self._output, self._log)

    def _check_vulnerabilities(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        told = vulnerabilities.report(self._image.record, fetch)
        if not told["checked"]:
            say(f"note: vulnerabilities were not checked: {told['why']}")
        _write_json(self._output / f"{self._image.name}.cves.json", told)
        text = vulnerabilities.as_text(told)
        (self._output / f"{self._image.name}.cves.md").write_text(text, encoding="utf-8")

    def _finish(self) -> None:
        """Write the manifest, sign it, and write the checksums of all in the folder."""
        record = self._image.record
        manifest = self._output / f"{self._image.name}.json"
        kept = ("version", "board", "compatible", "commit", "security", "locked", "suites")
        files = [
            {"name": path.name, "size": path.stat().st_size, "sha256": file_sha256(path)}
            for path in self._files
        ]
        _write_json(manifest, {**{field: record[field] for field in kept}, "files": files})
        self._made.step(
            f"{self._of} {file_sha256(manifest)}",
            [signature_of(manifest)],
            lambda: sign(manifest, self._keys, self._log),
        )
        sums = self._output / SUMS
        made = {*self._files, manifest, signature_of(manifest)}
        for end in (".*", "-from-*"):
            for path in self._output.glob(f"{glob.escape(self._image.name)}{end}"):
                if path not in made:  # of an earlier run, which made more
                    path.unlink()
        everything = sorted(path for path in self._output.iterdir() if path != sums)
        sums.write_text("".join(f"{file_sha256(path)}  {path.name}\n" for path in everything))


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


def delta_from(image: Image, old: Path, output: Path) -> Path:
    """Where the delta from an earlier update belongs."""
    base = old.stem.removeprefix(f"mokanda-{image.record['board']}-")
    return output / f"{image.name}-from-{base}{SUFFIX}"


def delta(image: Image, old: Path, output: Path, log: Log) -> Path:
    """Make what a device that runs the system of an old update needs of the new one.

    Raises:
        UnfitUpdateError: none can be made of the old one, which may be damaged.
        StepError: it failed for another reason.
    """
    path = delta_from(image, old, output)
    say(f"making {path.name}")
    path.unlink(missing_ok=True)
    said = log.run(
        *(TOOLBOX, "--bind", old.parent, "env", f"PYTHONPATH={PYTHON_PATH}", "python3", "-B"),
        *("-m", "scripts.releases.deltas", old.resolve(), output / f"{image.name}.raucb", path),
    )
    if not path.exists():
        raise UnfitUpdateError(said.strip() or "it is no update")
    return path


def earlier_updates(image: Image, releases: Path) -> list[Path]:
    """The updates of a board in the folder of releases, the newest first."""
    found = [
        path
        for path in releases.glob(f"*/mokanda-{image.record['board']}-*.raucb")
        if path.stem != image.name
    ]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


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
    signature = signature_of(path)
    with _readable_by_toolbox(keys) as near:
        log.run(
            *(TOOLBOX, "env", f"PKCS11_MODULE_PATH={os.environ.get('RAUC_PKCS11_MODULE', '')}"),
            *("openssl", "cms", "-sign", "-binary", "-in", path),
            *("-signer", near.certificate, "-inkey", near.key),
            *(_TOKEN_OPTIONS if isinstance(near.key, str) else ()),
            *("-outform", "DER", "-out", signature),
        )
    return signature


def signature_of(manifest: Path) -> Path:
    """Where the signature of a manifest lies."""
    return manifest.with_name(f"{manifest.name}.p7s")


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
        key, certificate = keys.key, Path(folder) / "cert.pem"
        if isinstance(key, Path):
            key = Path(shutil.copy(key, Path(folder) / "key.pem"))
        shutil.copy(keys.certificate, certificate)
        yield Keys(key, certificate)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
