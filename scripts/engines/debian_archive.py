# SPDX-License-Identifier: Apache-2.0
"""Debian's archive through apt, with lists and packages kept in the cache between builds."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from pathlib import Path

from scripts.engines import Package
from scripts.steps import Log, StepError, say

RELEASE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TRIES = 3
TRIES_WITHOUT_INDEX = 45  # for the main suite, without which there is no image
PAUSE = 20  # seconds between tries
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
        for path in (self.lists / "partial", self.packages / "partial", self.parts, self.sources):
            path.mkdir(parents=True, exist_ok=True)

    def update(self) -> list[str]:
        """Fetch the indexes; returns the sources (in apt's one-line form) that can be used.

        A suite whose index does not fit its release file (a mirror in the middle of a
        synchronisation) is tried again; then its last index that did is used. A suite that never
        had one is left out; without the main suite StepError is raised.
        """
        usable = []
        for suite in (RELEASE, f"{RELEASE}-updates", f"{RELEASE}-security"):
            source = self._source("deb", suite)
            if source and self._update(suite, source):
                usable.append(source)
            elif source and self._has_index(suite):
                say(f"{suite}: its last index is used")
                usable.append(source)
            elif suite == RELEASE:
                raise StepError(f"the suite {suite} cannot be fetched from the mirror; try later")
            else:
                say(f"{suite} is left out")
        return usable

    def _has_index(self, suite: str) -> bool:
        """Whether an index of an earlier build is there, for apt keeps it until it has a better."""
        return any(self.lists.glob(f"*_dists_{suite}_main_binary-{self.architecture}_Packages*"))

    def _source(self, kind: str, suite: str) -> str:
        """A line for apt's list of sources; "" where no mirror of the suite is known."""
        variable = "MOKANDA_SECURITY_MIRROR" if suite.endswith("-security") else "MOKANDA_MIRROR"
        mirror = os.environ.get(variable) or _toolbox_mirror(suite)
        return f"{kind} [signed-by={KEYRING}] {mirror} {suite} main" if mirror else ""

    def _update(self, suite: str, source: str) -> bool:
        failed = self.directory / f"failed-{suite}"
        # A suite that failed within the hour is not waited for again.
        recent = failed.exists() and time.time() - failed.stat().st_mtime < 3600
        needed = suite == RELEASE and not self._has_index(suite)
        tries = TRIES_WITHOUT_INDEX if needed else 1 if recent else TRIES
        for attempt in range(1, tries + 1):
            done = self._apt([source], "update")
            if done.returncode == 0:
                failed.unlink(missing_ok=True)
                return True
            reason = _reason(done.stderr)
            if attempt == tries:
                break
            say(f"{suite}: {reason}; trying again in {PAUSE} s")
            time.sleep(PAUSE)
        say(f"{suite}: {reason}")
        failed.touch()
        return False

    def plan(self, sources: list[str], names: list[str]) -> list[Package]:
        """The packages to unpack for these names: they and what they depend on, sorted."""
        # apt names only what it would download, so it must not see the cache here.
        elsewhere = f"Dir::Cache::archives={self.parts}"
        done = self._apt(sources, "install", "--yes", "--print-uris", "-o", elsewhere, *names)
        if done.returncode:
            raise StepError(
                f"apt cannot install what the recipes name:\n{done.stderr}{done.stdout}"
            )
        return sorted(
            (
                Package(*_name_and_version(words[1]), sha256=words[3].removeprefix("SHA256:"))
                for words in map(str.split, done.stdout.splitlines())
                if len(words) == 4 and words[3].startswith("SHA256:")
            ),
            key=lambda package: package.name,
        )

    def download(self, sources: list[str], names: list[str]) -> None:
        """Fetch what `plan` lists into the cache, as far as it is not there."""
        done = self._apt(sources, "install", "--yes", "--download-only", *names)
        if done.returncode:
            raise StepError(f"packages cannot be downloaded:\n{done.stderr}")

    def file(self, package: Package) -> Path:
        """Where a downloaded package lies."""
        version = package.version.replace(":", "%3a")
        [path] = self.packages.glob(f"{package.name}_{version}_*.deb")
        return path

    def source(self, package: str, file: str, sha256: str) -> Path:
        """Fetch a source package's upstream archive of a known hash into the cache."""
        path = self.sources / file
        if not path.exists():
            lines = [self._source("deb-src", RELEASE)]
            for command in (["update"], ["source", "--tar-only", "--download-only", package]):
                done = self._apt(lines, *command)
                if done.returncode:
                    raise StepError(f"the source of {package} cannot be fetched:\n{done.stderr}")
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            path.unlink(missing_ok=True)
            raise StepError(f"Debian's source of {package} is not the expected {file}")
        return path

    def _apt(self, sources: list[str], *command: str) -> subprocess.CompletedProcess[str]:
        """Run apt-get on an empty system of our own, so that the machine's does not matter."""
        (self.directory / "sources.list").write_text("".join(f"{line}\n" for line in sources))
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
Dir::Cache::archives "{self.packages}";
Dir::Etc::preferencesparts "{self.parts}";
Dir::Etc::sourcelist "{self.directory}/sources.list";
Dir::Etc::sourceparts "{self.parts}";
Dir::State "{self.directory}";
Dir::State::Lists "{self.lists}";
Dir::State::status "{self.directory}/status";
"""
        )
        environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C"}
        done = subprocess.run(
            ["apt-get", *command],
            cwd=self.sources,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        with self.log.path.open("a") as log:
            log.write(f"$ apt-get {command} {sources}\n{done.stdout}{done.stderr}")
        return done


def _reason(errors: str) -> str:
    """The first error of apt without the address it is about."""
    for line in errors.splitlines():
        if line.startswith("E:"):
            return " ".join(word for word in line[2:].split() if "://" not in word)
    return "no reason given"


def _name_and_version(file: str) -> tuple[str, str]:
    name, version, _ = file.split("_")
    return name, version.replace("%3a", ":")


def _toolbox_mirror(suite: str) -> str:
    """Where the toolbox itself came from, for machines whose own apt is not Debian's."""
    for line in _TOOLBOX_SOURCES.read_text().splitlines():
        words = [word for word in line.split() if not word.startswith(("[", "signed-by"))]
        if len(words) > 3 and words[0] == "deb" and words[2] == suite:
            return words[1]
    return ""
