# SPDX-License-Identifier: Apache-2.0
"""The keys that sign updates: an authority that devices trust, and what it certifies to sign.

A folder of keys holds

    authority.key.pem   certifies signing keys; needed again only to replace one, keep it offline
    release.key.pem     signs bundles and manifests
    release.cert.pem    its certificate, and after it the authority's, which goes into images

MOKANDA_RELEASE_KEY and MOKANDA_RELEASE_CERT name an operator's own release.key.pem and
release.cert.pem; without them the development keys of build/keys are made and used.
Certificates are valid from 1970 to 9999, as a device's clock may be years off.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts.tools.repository import REPOSITORY

DEVELOPMENT = REPOSITORY / "build" / "keys"

_NOT_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_AFTER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.DOTALL)


class KeysError(Exception):
    """The keys cannot be used; the text says why."""


def make(folder: Path) -> None:
    """Make new keys in the folder, unless release.cert.pem is there."""
    if (folder / "release.cert.pem").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, release_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("Mokanda updates", authority_key, "Mokanda updates", authority_key)
    release = _certificate("Mokanda release", release_key, "Mokanda updates", authority_key)
    _write_key(folder / "authority.key.pem", authority_key)
    _write_key(folder / "release.key.pem", release_key)
    # The certificates last, and at once: where they are, their keys are too.
    temporary = folder / "release.cert.pem.new"
    temporary.write_bytes(_pem(release) + _pem(authority))
    temporary.rename(folder / "release.cert.pem")


def find() -> tuple[Path, Path]:
    """Return the signing key's file and its certificates', made when they are to be our own.

    Raises:
        KeysError: only one of the environment's two names is given, or names no file.
    """
    key, certificate = (os.environ.get(f"MOKANDA_RELEASE_{name}") for name in ("KEY", "CERT"))
    if not key and not certificate:
        make(DEVELOPMENT)
        return DEVELOPMENT / "release.key.pem", DEVELOPMENT / "release.cert.pem"
    if not key or not certificate:
        raise KeysError("set both MOKANDA_RELEASE_KEY and MOKANDA_RELEASE_CERT, or neither")
    for name in (key, certificate):
        if not Path(name).is_file():
            raise KeysError(f"{name} is not a file")
    return Path(key), Path(certificate)


def authority(certificate: Path) -> str:
    """Return the certificate that devices are to trust: the last one of the file, in PEM.

    Raises:
        KeysError: there is none.
    """
    found: list[str] = _CERTIFICATE.findall(certificate.read_text(encoding="ascii"))
    if not found:
        raise KeysError(f"{certificate} holds no certificate in PEM")
    return found[-1]


def _certificate(
    subject: str,
    subject_key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    is_authority = subject_key is issuer_key
    usage = x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    subject_identifier = x509.SubjectKeyIdentifier.from_public_key(subject_key.public_key())
    issuer_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(subject_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(subject_identifier, critical=False)
        .add_extension(issuer_identifier, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    content = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.unlink(missing_ok=True)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/keys", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--authority",
        action="store_true",
        help="print the certificate that images are to trust, in PEM",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="make keys in this folder, unless they are there, instead of finding the ones to use",
    )
    arguments = parser.parse_args()
    try:
        if arguments.folder:
            make(arguments.folder)
            certificate = arguments.folder / "release.cert.pem"
        else:
            _, certificate = find()
        if arguments.authority:
            print(authority(certificate), end="")
    except (KeysError, OSError) as error:
        print(f"scripts/keys: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
