# SPDX-License-Identifier: Apache-2.0
"""`make bench-wire`: bytes on the wire for a night's mail, beside what others would need.

The newer half of each corpus comes down in one session. For Mokanda that is a real session of a
real courier with a real relay, which have the older half as their history; all above TLS counts,
in both directions: HTTP, hello, acknowledgement, the sealed bundle. The others are given less to
carry: their batches alone, without what their protocols say around them.

The LKML corpus holds some mails twice, as lists do that a mail is sent to under two names. They
count twice as MIME and for everybody; Mokanda carries such a mail once, for two villagers. So the
table has the corpus without its repetitions, too.
"""

from __future__ import annotations

import base64
import io
import json
import lzma
import os
import re
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mokanda_firmware.courier import session
from mokanda_firmware.uplink import tls
from mokanda_relay.http.server import running
from mokanda_relay.mime.parse import parse
from mokanda_relay.operator import devices
from mokanda_relay.relay import open_relay
from mokanda_relay.store.settings import Listen, read_settings
from mokanda_wire.protocol import Sealed
from tests.bench.corpora import REPOSITORY, Sample, halves, nncp
from tests.bench.output import say
from tests.stand_ins.sendgrid import SendGridStandIn
from tests.syncing_village import Village, a_village

VILLAGERS = ("amina", "bako", "cyr", "dede", "esther", "fiston", "grace", "henri")
DOMAIN = "kimpese.example.org"
CORPORA = {
    "lkml": ("lkml", "LKML"),
    "small": ("default", "small lists"),
    "lkml_once": ("lkml", "LKML, no mail twice"),
}


class CountingSocket(tls.TlsSocket):
    """Counts what TLS carries for a device."""

    carried = 0

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401 - as a socket's
        super().sendall(data, flags)
        CountingSocket.carried += len(data)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401
        received = super().recv_into(buffer, nbytes, flags)
        CountingSocket.carried += received
        return received


@dataclass(frozen=True)
class Night:
    """What a session cost: in all above TLS, and of that the sealed bundle; bytes."""

    total: int
    sealed: int


def mokanda(older: Sequence[Sample], newer: Sequence[Sample]) -> Night:
    """Carry both halves to a village, and count the second one's session."""
    sealed: list[Sealed] = []
    download = session.Session._download

    def noting(self: session.Session, connection: Any, down: Sealed, token: str) -> None:  # noqa: ANN401
        sealed.append(down)
        download(self, connection, down, token)

    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="mokanda-") as folder,
        a_relay_and_village(Path(folder), patch) as (world, village),
    ):
        patch.setattr(session.Session, "_download", noting)
        patch.setattr(tls, "TlsSocket", CountingSocket)
        village.sync()
        for samples in (older, newer):
            for number, sample in enumerate(samples):
                receive(world, sample, VILLAGERS[number % len(VILLAGERS)])
            before = CountingSocket.carried
            record = village.sync()
            assert record.received == len({sample.raw for sample in samples}), record
    return Night(CountingSocket.carried - before, sealed[-1].size)


def receive(world: SendGridStandIn, sample: Sample, villager: str) -> None:
    """Have a mail arrive at the relay."""
    status, text = world.post_inbound(sample.raw, "list@example.org", [f"{villager}@{DOMAIN}"])
    assert status == 200, text


@contextmanager
def a_relay_and_village(
    folder: Path, patch: pytest.MonkeyPatch, port: int = 0, host: str = "127.0.0.1"
) -> Iterator[tuple[SendGridStandIn, Village]]:
    """A relay and a device of its own that knows it, in this process."""
    with SendGridStandIn() as world:
        settings = read_settings(
            {
                "MOKANDA_RELAY_URL": "https://127.0.0.1:1",
                "MOKANDA_INBOUND_SECRET": "secret",
                "SENDGRID_API_KEY": "SG.bench",
                "SENDGRID_HOST": world.url,
                "SENDGRID_EVENT_KEY": world.public_key,
            },
            folder / "relay",
        )
        relay = open_relay(settings, begin=True)
        try:
            listen = Listen(host, port), Listen("127.0.0.1", 0)
            with running(relay, *listen) as (device_address, operator_address):
                world.parse_url = f"http://{operator_address}/inbound/secret"
                world.events_url = f"http://{operator_address}/events"
                claim = devices.add(relay, "kimpese", DOMAIN)
                url = f"https://{device_address}"
                with a_village(claim, url, folder / "device", patch) as village:
                    for name in VILLAGERS[2:]:
                        village.add_villager(name)
                    yield world, village
        finally:
            relay.database.close()
            relay.keyring.close()


def lokole(samples: Sequence[Sample]) -> int:
    """Lokole's batch: a tar of JSON lines with base64, zstd at its default level."""
    lines = []
    for number, sample in enumerate(samples):
        message, contents = parse(sample.raw)
        fields = {
            "_uid": f"{number:08d}-0000-4000-8000-000000000000",
            "sent_at": message.date.strftime("%Y-%m-%d %H:%M"),
            "to": [box.address for box in message.to],
            "cc": [box.address for box in message.cc],
            "bcc": [],
            "from": message.sender.address,
            "subject": message.subject,
            "body": message.html or message.text,
            "attachments": [
                {
                    "filename": each.name,
                    "content": base64.b64encode(contents[each.digest]).decode(),
                }
                for each in message.attachments
            ],
        }
        lines.append(json.dumps(fields, separators=(",", ":")).encode() + b"\n")
    content = b"".join(lines)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("emails.jsonl")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    zstd = [str(REPOSITORY / "scripts" / "toolbox"), "zstd", "-3", "--stdout"]
    done = subprocess.run(zstd, input=buffer.getvalue(), capture_output=True, check=True)
    return len(done.stdout)


def deflate(samples: Sequence[Sample]) -> int:
    """One DEFLATE stream for all mails, as IMAP's COMPRESS makes it."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    size = 0
    for sample in samples:
        size += len(stream.compress(sample.raw) + stream.flush(zlib.Z_SYNC_FLUSH))
    return size


def uucp(samples: Sequence[Sample]) -> int:
    """A batch of SMTP commands and mails (BSMTP), as UUCP sites send it, by xz -9e."""
    batch = b"".join(
        b"MAIL FROM:<list@example.org>\r\nRCPT TO:<villager@kimpese.example.org>\r\nDATA\r\n"
        + re.sub(rb"(?m)^\.", b"..", sample.raw)
        + b"\r\n.\r\n"
        for sample in samples
    )
    return len(lzma.compress(batch, preset=9 | lzma.PRESET_EXTREME))


def nncp_packets(samples: Sequence[Sample]) -> int:
    """A packet for each mail, by the real program."""
    with nncp() as programs, tempfile.TemporaryDirectory(prefix="mokanda-") as folder:
        ours, theirs = Path(folder, "ours"), Path(folder, "theirs")
        for path in (ours, theirs):
            new = subprocess.run([programs / "nncp-cfgnew"], capture_output=True, check=True)
            path.write_bytes(new.stdout)
        keys = re.search(
            r"neigh:\s*{\s*self:\s*({.*?id: \S+.*?exchpub: \S+.*?signpub: \S+.*?noisepub: \S+)",
            re.sub(r"(?m)^\s*#.*", "", theirs.read_text()),
            re.DOTALL,
        )
        assert keys, theirs.read_text()
        spool = Path(folder, "spool")
        text = re.sub(r"(?m)^(\s*)spool: .*", rf'\1spool: "{spool}"', ours.read_text())
        text = re.sub(r"(?m)^(\s*)log: .*", rf'\1log: "{folder}/log"', text)
        text = re.sub(r"neigh:\s*{", lambda found: f"{found[0]}\n village: {keys[1]}\n }}\n", text)
        ours.write_text(text)
        for sample in samples:
            subprocess.run(
                [programs / "nncp-exec", "-quiet", "-cfg", ours, "village", "rmail", "villager"],
                input=sample.raw,
                check=True,
                capture_output=True,
            )
        return sum(path.stat().st_size for path in spool.rglob("tx/*") if len(path.name) == 52)


PEERS: dict[str, tuple[str, Callable[[Sequence[Sample]], int]]] = {
    "nncp": ("NNCP, a packet for each mail", nncp_packets),
    "uucp": ("UUCP-style batch, xz -9e", uucp),
    "deflate": ("one DEFLATE stream (IMAP COMPRESS)", deflate),
    "lokole": ("Lokole's format (tar, JSON, zstd)", lokole),
}


def main() -> None:
    """Measure, print the table, and in the last line the shares as JSON."""
    os.umask(0o077)
    result: dict[str, dict[str, float]] = {}
    say(f"{'':38}{'bytes a mail':>14}{'% of MIME':>11}")
    for key, (name, title) in CORPORA.items():
        older, newer = halves(name, repeated=not key.endswith("once"))
        raw = sum(len(sample.raw) for sample in newer)
        say(f"{title}: {len(newer)} mails, {raw} bytes of MIME")
        night = mokanda(older, newer)
        sizes = {key: (text, carry(newer)) for key, (text, carry) in PEERS.items()}
        sizes["mokanda_sealed"] = ("Mokanda, the sealed bundle alone", night.sealed)
        sizes["mokanda"] = ("Mokanda, all above TLS", night.total)
        for text, size in sizes.values():
            say(f"  {text:36}{size / len(newer):14.1f}{100 * size / raw:11.2f}")
        result[key] = {peer: round(100 * size / raw, 2) for peer, (_, size) in sizes.items()}
    say(json.dumps(result))


if __name__ == "__main__":
    main()
