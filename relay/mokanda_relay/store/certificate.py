# SPDX-License-Identifier: Apache-2.0
"""The device API's own certificate: self-signed, made at first start, pinned by every claim file.

It is small (Ed25519, no chain, no names), as each handshake carries it over the village's
link, and its dates mean nothing, as the clock at the other end may be years off.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mokanda_wire import durable

NOT_BEFORE = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NOT_AFTER = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


def ensure_certificate(certificate: Path, key: Path) -> None:
    """Make key and certificate, unless they are there."""
    if certificate.exists():
        return
    private = Ed25519PrivateKey.generate()
    name = x509.Name([])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .sign(private, None)
    )
    durable.write(
        key,
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        0o600,
    )
    # The certificate last: where it is, its key is too.
    durable.write(certificate, built.public_bytes(serialization.Encoding.PEM), 0o644)
