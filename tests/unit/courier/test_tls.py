# SPDX-License-Identifier: Apache-2.0
"""What the device offers in TLS's handshake (tls.cnf): little, and enough for every relay."""

import datetime as dt
import os
import socket
import ssl
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

OFFER: Final = Path(__file__).parents[3] / "firmware/system/usr/lib/mokanda/tls.cnf"
DAY: Final = dt.timedelta(days=1)
KEYS: Final = {
    "our own": (ed25519.Ed25519PrivateKey.generate, None),
    "P-256": (lambda: ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()),
    "P-384": (lambda: ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()),
    "RSA": (lambda: rsa.generate_private_key(65537, 2048), hashes.SHA256()),
}
PROGRAM: Final = """\
import sys
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.places import Place
with Connection([Place(sys.argv[1], open(sys.argv[2]).read(), "")]) as connection:
    connection.connect()
"""


def write_certificate(folder: Path, key: Any, hash_: Any) -> None:  # noqa: ANN401 - of any kind
    name, now = x509.Name([]), dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - DAY, now + DAY)
        .sign(key, hash_)
        .public_bytes(serialization.Encoding.PEM)
    )
    (folder / "certificate").write_bytes(made)
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.mark.parametrize("kind", KEYS)
def test_a_relay_with_any_usual_certificate_can_be_called(tmp_path: Path, kind: str) -> None:
    make, hash_ = KEYS[kind]
    write_certificate(tmp_path, make(), hash_)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        device = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, url, str(tmp_path / "certificate")],
            env={**os.environ, "OPENSSL_CONF": str(OFFER), "MOKANDA_DATA": str(tmp_path)},
        )
        with device:
            listener.settimeout(60)
            accepted, _ = listener.accept()
            first = accepted.recv(1000, socket.MSG_PEEK)
            with suppress(OSError), context.wrap_socket(accepted, server_side=True) as secure:
                secure.recv(1)
    assert device.returncode == 0
    assert len(first) <= 180  # bytes; OpenSSL's own are 203 to 222
