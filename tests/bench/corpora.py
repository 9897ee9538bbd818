# SPDX-License-Identifier: Apache-2.0
"""Public mail to measure and to test with: of Debian's source packages, fetched when needed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mokanda_relay.mime.parse import parse

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mokanda" / "bench"
# Debian 13's source packages: the upstream's archive, and its SHA-256.
_SOURCES = {
    "libemail-mime-perl": (
        "libemail-mime-perl_1.954.orig.tar.gz",
        "6dd69b01435b645aecc5354d9854a70cb87641eb446a525e7ab241cefa3cc4d3",
    ),
    "libmime-tools-perl": (
        "libmime-tools-perl_5.515.orig.tar.gz",
        "c1ba1dd9f0b2cd82a0e75caedec51e48233f9f01dc29a0971bdff1cb53be9013",
    ),
    "node-dompurify": (
        "node-dompurify_3.1.7+dfsg+~3.0.5.orig.tar.xz",
        "f85f569619f5b7c31a5d7072b1a5382dc0952f50deca74993d222df83c9e9404",
    ),
    "notmuch": (
        "notmuch_0.39.orig.tar.xz",
        "b88bb02a76c46bad8d313fd2bb4f8e39298b51f66fcbeb304d9f80c3eef704e3",
    ),
    "public-inbox": (
        "public-inbox_1.9.0.orig.tar.gz",
        "10d9d3d982bbae9383208f53aa2118482a799a958e9f1b24792b807fc225aaba",
    ),
}


class CorpusError(Exception):
    """The corpus cannot be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A mail of a corpus."""

    raw: bytes
    date: datetime


def halves(name: str, *, repeated: bool = True) -> tuple[list[Sample], list[Sample]]:
    """The older and the newer half of a corpus ("lkml" or "default") of notmuch's tests.

    Without `repeated`, a mail that is in it twice comes once.

    Raises:
        CorpusError: it cannot be fetched, or is not what it was.
    """
    samples = []
    for _, raw in files_of("notmuch", rf"test/corpora/{name}/.*"):
        message, _ = parse(raw)
        samples.append((message.date, message.message_id, raw))
    samples = sorted(samples if repeated else set(samples))
    mails = [Sample(raw, date) for date, _, raw in samples]
    return mails[: len(mails) // 2], mails[len(mails) // 2 :]


def files_of(package: str, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the files of a source package whose path in it matches.

    Raises:
        CorpusError: it cannot be fetched, or is not what it was.
    """
    name, digest = _SOURCES[package]
    archive = CACHE / name
    if not _is(archive, digest):
        with suppress(CorpusError):  # a package has more archives, of which one may be missing
            apt("source", "--download-only", "--tar-only", package)
    if not _is(archive, digest):
        raise CorpusError(f"apt did not bring {name} with the SHA-256 {digest}")
    with tarfile.open(archive) as members:
        for member in members:
            path = member.name.partition("/")[2]
            if member.isfile() and re.fullmatch(pattern, path):
                content = members.extractfile(member)
                assert content
                yield path, content.read()


def _is(path: Path, digest: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def apt(*arguments: str) -> None:
    """Run apt-get in CACHE on Debian 13's packages and sources, one at a time.

    Raises:
        CorpusError: it failed.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    lists = CACHE / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    toolbox = [str(REPOSITORY / "scripts" / "toolbox"), "--root"]
    options = [
        *("-o", f"Dir::State::lists={lists}", "-o", f"Dir::Etc::sourcelist={CACHE}/sources.list"),
        *("-o", "Dir::Etc::sourceparts=/dev/null", "-o", "APT::Sandbox::User=root"),
    ]
    script = (
        f"sed 's/^deb /deb-src /' /etc/apt/sources.list | cat /etc/apt/sources.list - "
        f"> {CACHE}/sources.list"
    )
    commands = [["sh", "-c", script]]
    commands += [["apt-get", *options, *each] for each in (("update",), arguments)]
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # apt gives up where another holds its own
        for command in commands:
            _run_patiently([*toolbox, *command])


def _run_patiently(command: list[str]) -> None:
    """Run it; again where it fails, for a mirror that is being brought up to date has gaps."""
    for seconds in (5, 30, None):
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
        if not done.returncode:
            return
        if seconds is not None:
            time.sleep(seconds)
    raise CorpusError(f"{' '.join(command)}: {done.stderr or done.stdout}")


@contextmanager
def nncp() -> Iterator[Path]:
    """The folder of NNCP's programs, of its Debian package.

    Raises:
        CorpusError: it cannot be fetched.
    """
    packages = sorted(CACHE.glob("nncp_*.deb"))
    if not packages:
        apt("download", "nncp")
        packages = sorted(CACHE.glob("nncp_*.deb"))
    with TemporaryDirectory(prefix="mokanda-nncp-") as folder:
        subprocess.run(["dpkg-deb", "-x", str(packages[-1]), folder], check=True)
        yield Path(folder) / "usr" / "bin"
