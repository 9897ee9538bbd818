# SPDX-License-Identifier: Apache-2.0
"""A relay's parts, opened from its data folder; the first opening makes its keys."""

from __future__ import annotations

import fcntl
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mokanda_relay.store.blob_store import BlobStore
from mokanda_relay.store.certificate import ensure_certificate
from mokanda_relay.store.database import Database
from mokanda_relay.store.file_blob_store import FileBlobStore
from mokanda_relay.store.settings import Settings
from mokanda_relay.store.uploads import Uploads
from mokanda_wire import durable
from mokanda_wire.envelope import Keyring


class DataFolderError(Exception):
    """The data folder cannot be used; the text says why."""


class Bell:
    """Wakes those who wait for work; a ring before the wait is not missed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        """Wake all."""
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def rings(self) -> int:
        """How often it has rung; taken before looking for work."""
        with self._condition:
            return self._rings

    def wait(self, rings: int, seconds: float) -> None:
        """Wait until it has rung more often than `rings`, at most some seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings > rings, timeout=seconds)


@dataclass(frozen=True)
class Relay:
    """Everything that the parts of a relay share.

    Attributes:
        fingerprint: of the relay's own OpenPGP key in `keyring`.
        originals: raw mails, each by its SHA-256.
        bundles: frozen down bundles, each by its SHA-256.
        uploads: up bundles, as far as they have arrived.
        renditions: photos made smaller, each by its SHA-256.
        releases: the folder of updates for devices, and of their manifest.
        release_files: the same, to be read from.
        outbox_bell: rings when there is mail to the world.
        incoming_bell: rings when there is mail to a village.
    """

    settings: Settings
    database: Database
    keyring: Keyring
    fingerprint: str
    originals: BlobStore
    bundles: BlobStore
    uploads: Uploads
    renditions: BlobStore
    releases: Path
    release_files: BlobStore
    certificate: Path
    certificate_key: Path
    inbound_secret: str
    outbox_bell: Bell = field(default_factory=Bell)
    incoming_bell: Bell = field(default_factory=Bell)


def open_relay(settings: Settings) -> Relay:
    """Open the relay in `settings.data`, making what is missing.

    Raises:
        DataFolderError: the folder cannot be used.
        DatabaseError: the database cannot be used.
    """
    data = settings.data
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(data / ".lock"):
            tls = data / "tls"
            tls.mkdir(mode=0o700, exist_ok=True)
            ensure_certificate(tls / "certificate.pem", tls / "key.pem")
            keyring = Keyring(data / "keys")
            relay = Relay(
                settings=settings,
                database=Database(settings.database),
                keyring=keyring,
                fingerprint=_ensure(
                    data / "fingerprint", lambda: keyring.create_key("Mokanda relay")
                ),
                originals=_blob_store(settings, "originals"),
                bundles=_blob_store(settings, "bundles"),
                uploads=Uploads(data / "uploads"),
                renditions=_blob_store(settings, "renditions"),
                releases=data / "releases",
                release_files=FileBlobStore(data / "releases"),
                certificate=tls / "certificate.pem",
                certificate_key=tls / "key.pem",
                inbound_secret=settings.inbound_secret
                or _ensure(data / "inbound-secret", lambda: secrets.token_urlsafe(24)),
            )
            keyring.close()  # no command of an operator's needs it further
            return relay
    except OSError as error:
        raise DataFolderError(f"the data folder {data} cannot be used: {error}") from error


def _blob_store(settings: Settings, kind: str) -> BlobStore:
    """The store of one kind of blobs, where the settings have it."""
    return FileBlobStore(settings.data / kind)


def _ensure(path: Path, make: Callable[[], str]) -> str:
    """The text in the file at `path`, made at first."""
    if not path.exists():
        durable.write(path, make().encode(), 0o600)
    return path.read_text()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one process at a time makes what is missing."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
