# SPDX-License-Identifier: Apache-2.0
"""A relay's parts, opened from its data folder; the first start makes its keys.

Who carries mail out and in, keeps the blobs and serves DNS is chosen here and nowhere else: another
Transport, InboundSource, BlobStore or DnsProvider is a file of its own, and a line here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mokanda_relay.bell import Bell
from mokanda_relay.store import data_folder
from mokanda_relay.store.blob_store import BlobStore
from mokanda_relay.store.certificate import ensure_certificate
from mokanda_relay.store.database import Database
from mokanda_relay.store.file_blob_store import FileBlobStore
from mokanda_relay.store.settings import Settings
from mokanda_relay.store.uploads import Uploads
from mokanda_relay.transport import outbox
from mokanda_relay.transport.dns import DnsProvider
from mokanda_relay.transport.inbound import InboundSource, Intake
from mokanda_relay.transport.outbound import Transport
from mokanda_relay.transport.sendgrid.api import SendGrid
from mokanda_relay.transport.sendgrid.parse_webhook import InboundParse
from mokanda_relay.transport.webhook import Webhook
from mokanda_relay.transport.zone_file import ZoneFile
from mokanda_wire import durable
from mokanda_wire.envelope import Keyring

OPERATOR_PASSWORD_FILE = "operator-password"  # noqa: S105 - where one is, in the data folder


@dataclass(frozen=True)
class Relay:
    """Everything that the parts of a relay share.

    Attributes:
        fingerprint: of the relay's own OpenPGP key in `keyring`.
        operator_password: asked for by the operator's page.
        originals: raw mails, each by its SHA-256.
        bundles: frozen down bundles, each by its SHA-256.
        uploads: up bundles, as far as they have arrived.
        readings: what was made of raw mails (rendering/readings.py), each by its SHA-256.
        renditions: photos made smaller, each by its SHA-256.
        releases: the folder of updates for devices, and of their manifest.
        release_files: the same, to be read from.
        transport: carries mail to the world.
        inbound: where mail from the world comes in.
        dns: who serves the villages' domains.
        outbox_bell: rings when there is mail to the world.
        incoming_bell: rings when there is mail to a village.
        ready_bell: rings when mail to a village was read.
    """

    settings: Settings
    database: Database
    keyring: Keyring
    fingerprint: str
    operator_password: str
    originals: BlobStore
    bundles: BlobStore
    uploads: Uploads
    readings: BlobStore
    renditions: BlobStore
    releases: Path
    release_files: BlobStore
    certificate: Path
    certificate_key: Path
    transport: Transport
    inbound: InboundSource
    dns: DnsProvider
    incoming_bell: Bell
    outbox_bell: Bell = field(default_factory=Bell)
    ready_bell: Bell = field(default_factory=Bell)

    def webhooks(self) -> list[Webhook]:
        """All that providers of mail may post to.

        Raises:
            SettingsError: a setting that they need makes no sense.
        """
        return [*self.inbound.webhooks(), *self.transport.webhooks()]


def open_relay(settings: Settings, *, begin: bool = False) -> Relay:
    """Open the relay in `settings.data`.

    Args:
        settings: the operator's.
        begin: whether to make a new one where there is none.

    Raises:
        DataFolderError: there is no relay, or only a part of one, or the folder cannot be used.
        DatabaseError: the database cannot be used.
    """
    data = settings.data
    with data_folder.opening(settings, begin=begin):
        tls = data / "tls"
        tls.mkdir(mode=0o700, exist_ok=True)
        ensure_certificate(tls / "certificate.pem", tls / "key.pem")
        keyring = Keyring(data / "keys")
        database = Database(settings.database)
        originals = _blob_store(settings, "originals")
        incoming_bell = Bell()
        inbound_secret = settings.inbound_secret or _ensure(
            data / "inbound-secret", lambda: secrets.token_urlsafe(24)
        )
        relay = Relay(
            settings=settings,
            database=database,
            keyring=keyring,
            fingerprint=_ensure(data / "fingerprint", lambda: keyring.create_key("Mokanda relay")),
            operator_password=settings.operator_password
            or _ensure(data / OPERATOR_PASSWORD_FILE, lambda: secrets.token_urlsafe(12)),
            originals=originals,
            bundles=_blob_store(settings, "bundles"),
            uploads=Uploads(data / "uploads"),
            readings=_blob_store(settings, "readings"),
            renditions=_blob_store(settings, "renditions"),
            releases=data / "releases",
            release_files=FileBlobStore(data / "releases"),
            certificate=tls / "certificate.pem",
            certificate_key=tls / "key.pem",
            transport=SendGrid(settings, partial(outbox.record_events, database)),
            inbound=InboundParse(inbound_secret, Intake(database, originals, incoming_bell)),
            dns=ZoneFile(),
            incoming_bell=incoming_bell,
        )
        keyring.close()  # no command of an operator's needs it further
        return relay


def _blob_store(settings: Settings, kind: str) -> BlobStore:
    """The store of one kind of blobs, where the settings have it."""
    return FileBlobStore(settings.data / kind)


def _ensure(path: Path, make: Callable[[], str]) -> str:
    """The text in the file at `path`, made at first."""
    if not path.exists():
        durable.write(path, make().encode(), 0o600)
    return path.read_text()
