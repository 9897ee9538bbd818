# SPDX-License-Identifier: Apache-2.0
"""Public mail to measure with: Debian's source package `notmuch`, fetched when it is needed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mokanda_wire.message import parse

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mokanda" / "bench"
_TARBALL = "notmuch_0.39.orig.tar.xz"
_SHA256 = "b88bb02a76c46bad8d313fd2bb4f8e39298b51f66fcbeb304d9f80c3eef704e3"


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
    with tarfile.open(_tarball()) as archive:
        for member in archive:
            folder = member.name.partition("/test/corpora/")[2]
            if folder.startswith(f"{name}/") and member.isfile():
                content = archive.extractfile(member)
                assert content
                raw = content.read()
                message, _ = parse(raw)
                samples.append((message.date, message.message_id, raw))
    samples = sorted(samples if repeated else set(samples))
    mails = [Sample(raw, date) for date, _, raw in samples]
    return mails[: len(mails) // 2], mails[len(mails) // 2 :]


def _tarball() -> Path:
    path = CACHE / _TARBALL
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        apt("source", "--download-only", "--tar-only", "notmuch")
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise CorpusError(f"apt did not bring {_TARBALL} with the SHA-256 {_SHA256}")
    return path


def apt(*arguments: str) -> None:
    """Run apt-get in CACHE on Debian 13's packages and sources.

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
    for command in commands:
        done = subprocess.run(
            [*toolbox, *command], cwd=CACHE, capture_output=True, text=True, check=False
        )
        if done.returncode:
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
