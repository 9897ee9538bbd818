# SPDX-License-Identifier: Apache-2.0
"""`scripts/publish`: copy a whole release to where it is found, here or on another machine."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from shlex import quote

from scripts.releases import signing_keys
from scripts.releases.image import RefusedError
from scripts.releases.release import SUMS
from scripts.releases.verify import verify
from scripts.tools.digest import file_sha256
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError, megabytes, say

DESCRIPTION = """Copy a release, whole and verified, to a folder of releases.

TO is a folder, or HOST:FOLDER, which is reached by ssh. The files arrive in a folder beside that
of the version; once all are there, on the disk and as they were made, it gets its name. A copy
that was cut goes on with the files that are missing. What does not verify is not copied: every file
has to be one that a manifest names which the release keys have signed."""

_RELEASES = REPOSITORY / "build" / "release"
_REMOTE = re.compile(r"((?:[\w.-]+@)?[\w.-]+):(.+)")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,99}")


class Place:
    """A folder of releases, with a shell beside it."""

    def __init__(self, to: str) -> None:
        """Understand TO, a folder or HOST:FOLDER."""
        found = _REMOTE.fullmatch(to)
        self.folder = found[2] if found else str(Path(to).resolve())
        self._shell = ["ssh", "-oBatchMode=yes", "--", found[1]] if found else ["sh", "-c"]

    def run(self, script: str, source: Path | None = None) -> str:
        """Run a script there, with a file as its input; returns what it prints.

        Raises:
            StepError: it failed.
        """
        with (source or Path("/dev/null")).open("rb") as file:
            done = subprocess.run(
                [*self._shell, f"set -eu; {script}"], stdin=file, capture_output=True, check=False
            )
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            raise StepError(f"{self.folder} cannot be written to: {words or 'no reason given'}")
        return done.stdout.decode(errors="replace")


def publish(release: Path, files: list[Path], place: Place, *, dry_run: bool) -> None:
    """Copy the verified files of a release to a place.

    Raises:
        RefusedError: another release of this version is there.
        StepError: the place cannot be written to.
    """
    target, part = (
        quote(f"{place.folder}/{name}") for name in (release.name, f".{release.name}.part")
    )
    before = place.run(f"if test -d {target}; then sha256sum {target}/{SUMS}; fi")
    if before:
        if before.split()[0] == file_sha256(release / SUMS):
            say(f"{place.folder} has {release.name} already")
            return
        raise RefusedError(f"{place.folder} has another release {release.name}: raise the version")
    there = place.run(f"if test -d {part}; then cd {part}; sha256sum -- * 2>/dev/null || :; fi")
    whole = {tuple(line.split(maxsplit=1)) for line in there.splitlines()}
    missing = [path for path in files if (file_sha256(path), path.name) not in whole]
    say(
        f"{len(files) - len(missing)} of {len(files)} files are there; "
        f"{megabytes(sum(path.stat().st_size for path in missing))} go to {place.folder}"
    )
    if dry_run:
        for path in missing:
            print(f"{megabytes(path.stat().st_size):>10}  {path.name}")
        return
    place.run(f"mkdir -p {part}")
    for path in missing:
        say(path.name)
        place.run(f"cat > {part}/{quote(path.name)}", path)
    # What an earlier try has left and this release has not is on no list.
    names = " ".join(f"! -name {quote(path.name)}" for path in files)
    place.run(
        f"cd {part}; find . -type f {names} -delete; sha256sum --check --strict --quiet {SUMS} >&2;"
        f" sync; mv -T {part} {target}; sync"
    )
    say(f"{release.name} is in {place.folder}")


def main() -> int:
    """Publish a release; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/publish",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("to", metavar="TO", help="FOLDER, or HOST:FOLDER")
    parser.add_argument(
        "--version", help="of a release in build/release (default: what scripts/version says)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would be copied")
    options = parser.parse_args()
    try:
        version = (
            options.version
            or subprocess.run(
                [REPOSITORY / "scripts/version"], capture_output=True, text=True, check=True
            ).stdout.strip()
        )
        if not _VERSION.fullmatch(version):
            raise RefusedError(f"{version!r} is no version")
        release = _RELEASES / version
        _, certificate = signing_keys.find()
        say(f"verifying {release}")
        files = verify(release, certificate, Log(_RELEASES / "publish.log"))
        publish(release, files, Place(options.to), dry_run=options.dry_run)
    except (RefusedError, StepError, signing_keys.KeysError, OSError) as error:
        print(f"scripts/publish: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
