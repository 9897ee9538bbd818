# SPDX-License-Identifier: Apache-2.0
"""Debian's archive through apt, with indexes and packages kept in the cache between builds."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote, unquote

from scripts.engines.debian.lock import Deb
from scripts.tools.digest import file_sha256
from scripts.tools.steps import Log, StepError, megabytes, say

RELEASE = "trixie"
# The two archives, and what says where they are.
ARCHIVES = {"debian": "MOKANDA_MIRROR", "debian-security": "MOKANDA_SECURITY_MIRROR"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MAX_TRIES = 3
MAX_TRIES_WITHOUT_INDEX = 45  # for the main suite, without which there is no image
MAX_TRIES_OF_SECURITY = 15  # while mirrors are synchronised, and there is no earlier index
PAUSE = 20  # seconds between tries
_HELPER = "/usr/lib/apt/apt-helper"  # fetches as apt does: its proxies, certificates, tries
# What apt says of an index that does not fit its release file.
_SYNCHRONISED = re.compile(r"unexpected size|Hash Sum mismatch|sync in progress", re.IGNORECASE)
_SOURCE = re.compile(r"^Package: (\S+)\n(?:.+\n)*?Version: (\S+)$", re.MULTILINE)
_TOOLBOX_SOURCES = Path("/etc/apt/sources.list")


class Archive:
    """The suites of one Debian release for one architecture."""

    def __init__(self, cache: Path, architecture: str, log: Log) -> None:
        self.architecture = architecture
        self.directory = cache / f"apt-{architecture}"
        self.packages = cache / f"debs-{architecture}"
        self.lists = self.directory / "lists"
        self.log = log
        self.sources = cache / "sources"
        self.parts = self.directory / "no-parts"
        for path in (self.lists / "partial", self.packages, self.parts, self.sources):
            path.mkdir(parents=True, exist_ok=True)

    def update(self) -> dict[str, str]:
        """Fetch the indexes; returns the suites that can be used and apt's line for each.

        Each suite is taken from the mirror that has the newest index. Where no mirror's index fits
        its release file (they are in the middle of a synchronisation) they are tried again; then
        the last index that did is used. A suite that never had one is left out; without the main
        suite StepError is raised.
        """
        usable = {}
        for suite in (RELEASE, f"{RELEASE}-updates", f"{RELEASE}-security"):
            if self._update(suite):
                usable[suite] = self._source(suite)
            elif self._has_index(suite):
                say(f"{suite}: its last index is used")
                usable[suite] = self._source(suite)
            elif suite == RELEASE:
                raise StepError(f"the suite {suite} cannot be fetched from the mirror; try later")
            else:
                say(f"{suite} is left out")
        for suite in usable:
            say(self._age(suite))
        return usable

    def _age(self, suite: str) -> str:
        """How old the index of a suite is, and which mirror has it."""
        date, mirrors = self.date(suite), _mirrors(_archive(suite))
        days = (datetime.now(UTC) - date).days
        which = f", mirror {mirrors.index(self._mirror(suite)) + 1} of {len(mirrors)}"
        return f"{suite}: index of {date:%Y-%m-%d %H:%M} UTC, {days} days old" + (
            which if len(mirrors) > 1 else ""
        )

    def source_versions(self, suite: str) -> dict[str, list[str]]:
        """Each source package of a suite, of any release, with its versions.

        The last index is used if there is no newer one; it is empty if there never was one.
        """
        if not (self._update(suite, "deb-src") or self._has_index(suite)):
            return {}
        told = self._apt(
            [self._source(suite, "deb-src")], "indextargets", "--format", "$(FILENAME)"
        )
        found: dict[str, list[str]] = {}
        for file in told.stdout.splitlines():
            text = subprocess.run([_HELPER, "cat-file", file], capture_output=True, check=True)
            for name, version in _SOURCE.findall(text.stdout.decode()):
                found.setdefault(name, []).append(version)
        return found

    def date(self, suite: str) -> datetime:
        """When the archive wrote the index of a suite that `update` returned."""
        return _date(self._release(suite, self._mirror(suite)))

    def _has_index(self, suite: str) -> bool:
        """Whether an index of an earlier build is there, for apt keeps it until it has a better."""
        return any(self._release(suite, each).exists() for each in _mirrors(_archive(suite)))

    def _mirror(self, suite: str) -> str:
        """The mirror whose index of a suite is used: the newest that has ever fitted."""
        mirrors = _mirrors(_archive(suite))
        there = [each for each in mirrors if self._release(suite, each).exists()]
        return max(there, key=lambda each: _date(self._release(suite, each)))

    def _release(self, suite: str, mirror: str) -> Path:
        """Where apt keeps the release file that vouches for an index, as long as it has both."""
        place = mirror.partition("://")[2].rpartition("@")[2]
        quoted = re.sub(r'[\\|{}\[\]<>"^~_=!@#$%&*]', lambda found: f"%{ord(found[0]):02x}", place)
        return self.lists / f"{quoted.replace('/', '_')}_dists_{suite}_InRelease"

    def _source(self, suite: str, kind: str = "deb") -> str:
        """A line for apt's list of sources, of the mirror that is used."""
        return _line(kind, self._mirror(suite), suite)

    def _update(self, suite: str, kind: str = "deb") -> bool:
        """Fetch a suite's index from all mirrors; returns whether that of any fits."""
        mirrors = _mirrors(_archive(suite))
        failed = self.directory / f"failed-{suite}"
        # A suite that failed within the hour is not waited for again.
        recent = failed.exists() and time.time() - failed.stat().st_mtime < 3600
        attempt = 0
        while mirrors:
            attempt += 1
            told = {each: self._apt([_line(kind, each, suite)], "update") for each in mirrors}
            if any(done.returncode == 0 for done in told.values()):
                failed.unlink(missing_ok=True)
                return True
            reasons = [_reason(done.stderr) for done in told.values()]
            reason = "; ".join(dict.fromkeys(reasons))
            if attempt >= (1 if recent else self._tries(suite, reason)):
                say(f"{suite}: {reason}")
                failed.touch()
                return False
            say(f"{suite}: {reason}; trying again in {PAUSE} s")
            time.sleep(PAUSE)
        return False

    def _tries(self, suite: str, reason: str) -> int:
        """How often a suite is tried that cannot be had for this reason."""
        if not self._has_index(suite):
            if suite == RELEASE:
                return MAX_TRIES_WITHOUT_INDEX
            if suite.endswith("-security") and _SYNCHRONISED.search(reason):
                return MAX_TRIES_OF_SECURITY
        return MAX_TRIES

    def resolve(self, sources: Iterable[str], names: Iterable[str]) -> list[Deb]:
        """The packages to unpack for these names, they and what they depend on, sorted."""
        done = self._apt(sources, "install", "--yes", "--print-uris", *names)
        if done.returncode:
            raise StepError(
                f"apt cannot install what the recipes name:\n{done.stderr}{done.stdout}"
            )
        lines = map(str.split, done.stdout.splitlines())
        return sorted(_deb(*words) for words in lines if len(words) == 4 and ":" in words[3])

    def fetch(self, debs: Iterable[Deb]) -> list[Deb]:
        """Fetch packages into the cache, as far as they are not there.

        No index is read. Returns those that could not be had with the content they must have.
        """
        missing = [deb for deb in debs if not _holds(self.file(deb), deb.sha256)]
        if missing:
            say(f"downloading {len(missing)} packages, {megabytes(sum(d.size for d in missing))}")
            self._download_from_any(
                (deb.archive, deb.path, deb.sha256, self.file(deb)) for deb in missing
            )
        return [deb for deb in missing if not self.file(deb).exists()]

    def file(self, deb: Deb) -> Path:
        """Where a package lies when it was fetched."""
        return self.packages / deb.file

    def source(self, path: str, sha256: str) -> Path:
        """Fetch an upstream archive of a known hash, by its path in Debian, into the cache."""
        file = self.sources / Path(path).name
        if not _holds(file, sha256):
            self._download_from_any([("debian", path, sha256, file)])
        if not file.exists():
            raise StepError(f"the mirror has no {path} of the right content; see {self.log.path}")
        return file

    def _download_from_any(self, files: Iterable[tuple[str, str, str, Path]]) -> None:
        """Fetch files (archive, path in it, SHA-256, target), from the first mirror that has each.

        A target that cannot be had is not there then.
        """
        left = list(files)
        for number in range(max(len(_mirrors(archive)) for archive in ARCHIVES)):
            self._download(
                (f"{mirrors[number]}/{quote(path)}", sha256, target)
                for archive, path, sha256, target in left
                if number < len(mirrors := _mirrors(archive))
            )
            left = [each for each in left if not each[-1].exists()]
            if not left:
                return

    def _download(self, files: Iterable[tuple[str, str, Path]]) -> None:
        """Fetch files (address, SHA-256, target); a target that cannot be had is not there then."""
        with tempfile.TemporaryDirectory(dir=self.directory, prefix="download-") as folder:
            targets: dict[Path, Path] = {}
            words: list[str] = []
            for address, sha256, target in files:
                target.unlink(missing_ok=True)
                fetched = Path(folder) / target.name
                targets[fetched] = target
                words += [address, str(fetched), f"SHA256:{sha256}"]
            if not words:
                return
            # It goes on after a failure, and leaves no file whose hash is another.
            self._run(_HELPER, "download-file", *words)
            for fetched, target in targets.items():
                if fetched.exists():
                    fetched.rename(target)

    def _apt(self, sources: Iterable[str], *command: str) -> subprocess.CompletedProcess[str]:
        """Run apt-get with these sources."""
        (self.directory / "sources.list").write_text("".join(f"{line}\n" for line in sources))
        return self._run("apt-get", *command)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of apt on an empty system of our own: the machine's does not matter."""
        (self.directory / "status").touch()
        configuration = self.directory / "apt.conf"
        configuration.write_text(
            f"""APT::Architecture "{self.architecture}";
APT::Architectures {{ "{self.architecture}"; }};
APT::Get::List-Cleanup "false";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::ForceHash "SHA256";
Acquire::Languages "none";
Dir::Cache "{self.directory}";
Dir::Cache::archives "{self.parts}";
Dir::Etc::preferencesparts "{self.parts}";
Dir::Etc::sourcelist "{self.directory}/sources.list";
Dir::Etc::sourceparts "{self.parts}";
Dir::State "{self.directory}";
Dir::State::Lists "{self.lists}";
Dir::State::status "{self.directory}/status";
"""
        )
        environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        with self.log.path.open("a") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
        return done


def _reason(errors: str) -> str:
    """The first error of apt without the address it is about."""
    for line in re.sub(r" \[IP: [^]]*\]", "", errors).splitlines():
        if line.startswith("E:"):
            return " ".join(word for word in line[2:].split() if "://" not in word)
    return "no reason given"


def _deb(address: str, file: str, size: str, digest: str) -> Deb:
    """Read a line of apt's --print-uris."""
    address = address.strip("'")
    archive, mirror = max(
        (
            (archive, mirror)
            for archive in ARCHIVES
            for mirror in _mirrors(archive)
            if address.startswith(f"{mirror}/")
        ),
        key=lambda found: len(found[1]),
    )
    name, version, architecture = file.removesuffix(".deb").split("_")
    return Deb(
        name=name,
        version=unquote(version),
        architecture=architecture,
        archive=archive,
        path=unquote(address.removeprefix(f"{mirror}/")),
        size=int(size),
        sha256=digest.removeprefix("SHA256:"),
    )


def _holds(file: Path, sha256: str) -> bool:
    """Whether a file is there, and has the content that it must have."""
    return file.exists() and file_sha256(file) == sha256


def _archive(suite: str) -> str:
    """The archive that a suite is in."""
    return "debian-security" if suite.endswith("-security") else "debian"


def _line(kind: str, mirror: str, suite: str) -> str:
    """A line for apt's list of sources."""
    return f"{kind} [signed-by={KEYRING}] {mirror} {suite} main"


def _date(release: Path) -> datetime:
    [date] = re.findall(r"^Date: (.+)$", release.read_text(), re.MULTILINE)
    return parsedate_to_datetime(date)


def _mirrors(archive: str) -> list[str]:
    """Where an archive is, without slashes behind; none where that is not known.

    Beside those that the machine's own apt uses, security updates are looked for where many mirrors
    have them: beside the main archive.
    """
    known = os.environ.get(ARCHIVES[archive], "").split() or [_toolbox_mirror(archive)]
    if archive == "debian-security":
        mains = (each.rstrip("/") for each in _mirrors("debian"))
        known += [f"{main}-security" for main in mains if main.endswith("/debian")]
    return list(dict.fromkeys(each.rstrip("/") for each in known if each))


def _toolbox_mirror(archive: str) -> str:
    """Where the toolbox itself came from, for machines whose own apt is not Debian's."""
    if archive != "debian":
        return ""
    for line in _TOOLBOX_SOURCES.read_text().splitlines():
        words = [word for word in line.split() if not word.startswith(("[", "signed-by"))]
        if len(words) > 3 and words[0] == "deb" and words[2] == RELEASE:
            return words[1]
    return ""
