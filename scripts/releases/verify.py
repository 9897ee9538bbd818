# SPDX-License-Identifier: Apache-2.0
"""Whether a release that lies in a folder is whole, and signed by whom devices trust."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from scripts.releases import signing_keys
from scripts.releases.image import RefusedError
from scripts.releases.release import SUMS, signature_of
from scripts.tools.digest import file_sha256
from scripts.tools.repository import TOOLBOX
from scripts.tools.steps import Log, StepError


def verify(folder: Path, certificate: Path, log: Log) -> list[Path]:
    """Return the files of a release, of one board or more, all of which are signed for.

    Args:
        folder: where they lie, and nothing else.
        certificate: the signing certificates' file, of which the last is trusted.
        log: of the programs that check.

    Raises:
        RefusedError: something is missing, changed, not signed, or does not belong there.
    """
    sums = folder / SUMS
    if not sums.is_file():
        raise RefusedError(f"there is no finished release in {folder}: run make release")
    manifests = [path.with_suffix("") for path in sorted(folder.glob("*.json.p7s"))]
    if not manifests:
        raise RefusedError(f"no manifest in {folder} is signed")
    vouched: dict[str, str] = {}
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="mokanda-") as scratch:
        authority = Path(scratch) / "authority.pem"
        authority.write_text(signing_keys.trusted(certificate))
        for manifest in manifests:
            vouched |= _vouched(manifest, authority, log)
    listed = _listed(sums)
    there = {path.name for path in folder.iterdir()} - {SUMS}
    for names, why in (
        (there - listed.keys(), "is on no list"),
        (listed.keys() - there, "is missing"),
        (there - vouched.keys(), "is named by no signed manifest"),
        (vouched.keys() - there, "is missing"),
    ):
        for name in sorted(names):
            raise RefusedError(f"{folder / name} {why}: run make release again")
    for name, sha256 in vouched.items():
        if not file_sha256(folder / name) == sha256 == listed[name]:
            raise RefusedError(f"{folder / name} is not as it was made: run make release again")
    return [*(folder / name for name in sorted(there)), sums]


def _vouched(manifest: Path, authority: Path, log: Log) -> dict[str, str]:
    """What a signed manifest vouches for: names, and their SHA-256; itself and its signature."""
    signature = signature_of(manifest)
    try:
        log.run(
            *(TOOLBOX, "--bind", manifest.parent, "openssl", "cms", "-verify", "-binary"),
            *("-inform", "DER", "-in", signature, "-content", manifest),
            *("-CAfile", authority, "-crl_check", "-out", "/dev/null"),
        )
    except StepError as error:
        raise RefusedError(
            f"{manifest.name} is not signed by the authority that these keys are of: {error}"
        ) from error
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        vouched = {str(each["name"]): str(each["sha256"]) for each in files}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RefusedError(f"{manifest.name} cannot be read: {error!r}") from error
    own = {path.name: file_sha256(path) for path in (manifest, signature)}
    return vouched | own


def _listed(sums: Path) -> dict[str, str]:
    lines = (line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines())
    return {words[1]: words[0] for words in lines if len(words) == 2}
