# SPDX-License-Identifier: Apache-2.0
"""The keys that sign updates: an authority that devices trust, what it certifies, and revokes.

A folder of keys holds

    authority.key.pem   certifies signing keys; needed again only to replace one, keep it offline
    release.key.pem     signs bundles and manifests
    release.cert.pem    its certificate; after it what goes into images: the authority's, and
                        the list of what that has revoked
    boot.key.pem        signs what U-Boot starts; no update replaces it, as none replaces U-Boot

MOKANDA_RELEASE_KEY, MOKANDA_RELEASE_CERT and MOKANDA_BOOT_KEY name an operator's own
release.key.pem, release.cert.pem and boot.key.pem; without them the development keys of build/keys
are made and used. The first may be in a token: MOKANDA_RELEASE_KEY is then its PKCS#11 URI
("pkcs11:token=...").
Certificates and lists are valid from 1970 to 9999, as a device's clock may be years off.
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
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from scripts.tools.repository import REPOSITORY

IN_TOKEN = "pkcs11:"  # noqa: S105 - how the URI of such a key begins
BOOT_KEY_BITS = 3072
DEVELOPMENT = REPOSITORY / "build" / "keys"

_NOT_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_AFTER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.DOTALL)
_LIST = re.compile(r"-----BEGIN X509 CRL-----\n.*?-----END X509 CRL-----\n", re.DOTALL)


class KeysError(Exception):
    """The keys cannot be used; the text says why."""


def make(folder: Path) -> None:
    """Make new keys in the folder, unless release.cert.pem is there.

    One of before there were lists gets one, where the authority's key is; and any a key for U-Boot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "boot.key.pem").exists():
        _write_key(folder / "boot.key.pem", rsa.generate_private_key(65537, BOOT_KEY_BITS))
    if (folder / "release.cert.pem").exists():
        if not _LIST.search((folder / "release.cert.pem").read_text(encoding="ascii")):
            _add_list(folder)
        return
    authority_key, release_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("Mokanda updates", authority_key, "Mokanda updates", authority_key)
    release = _certificate("Mokanda release", release_key, "Mokanda updates", authority_key)
    _write_key(folder / "authority.key.pem", authority_key)
    _write_key(folder / "release.key.pem", release_key)
    # The certificates last, and at once: where they are, their keys are too.
    _write_certificates(folder, release, authority, _revoked(authority, authority_key, 1, []))


def _add_list(folder: Path) -> None:
    try:
        key = _authority_key(folder)
    except FileNotFoundError:
        return
    text = (folder / "release.cert.pem").read_bytes()
    release, *_, authority = x509.load_pem_x509_certificates(text)
    _write_certificates(folder, release, authority, _revoked(authority, key, 1, []))


def replace(folder: Path) -> None:
    """Revoke the signing certificate in the folder, and certify a new key in its place.

    Raises:
        KeysError: the folder does not hold all of its files.
    """
    try:
        text = (folder / "release.cert.pem").read_bytes()
        key = _authority_key(folder)
        before = x509.load_pem_x509_crl(_list(folder / "release.cert.pem").encode())
    except FileNotFoundError as error:
        raise KeysError(f"{error.filename} is needed to replace the signing key") from error
    stolen, *_, authority = x509.load_pem_x509_certificates(text)
    number = before.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
    revoked = [each.serial_number for each in before] + [stolen.serial_number]
    release_key = ec.generate_private_key(ec.SECP256R1())
    release = _certificate("Mokanda release", release_key, "Mokanda updates", key)
    _write_key(folder / "release.key.pem.new", release_key)
    _write_certificates(folder, release, authority, _revoked(authority, key, number, revoked))
    (folder / "release.key.pem.new").rename(folder / "release.key.pem")


def _authority_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key((folder / "authority.key.pem").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeysError("authority.key.pem is of another kind than scripts/keys makes")
    return key


def find(key: str | None = None) -> tuple[Path | str, Path]:
    """Return the signing key and its certificates' file, made when they are to be our own.

    The `key` is the environment's unless it is given; a string is the URI of one in a token.

    Raises:
        KeysError: only one of the environment's two names is given, or names no file.
    """
    key, certificate = (
        key or os.environ.get("MOKANDA_RELEASE_KEY"),
        os.environ.get("MOKANDA_RELEASE_CERT"),
    )
    if not key and not certificate:
        make(DEVELOPMENT)
        return DEVELOPMENT / "release.key.pem", DEVELOPMENT / "release.cert.pem"
    if not key or not certificate:
        raise KeysError("set both MOKANDA_RELEASE_KEY and MOKANDA_RELEASE_CERT, or neither")
    in_token = key.startswith(IN_TOKEN)
    if in_token and "pin-" in key:
        raise KeysError("give the token's PIN in RAUC_PKCS11_PIN: a URI is written to logs")
    for name in (certificate,) if in_token else (key, certificate):
        if not Path(name).is_file():
            raise KeysError(f"{name} is not a file")
    return key if in_token else Path(key), Path(certificate)


def find_boot() -> Path:
    """Return the file of the key that signs what U-Boot starts, made when it is to be our own.

    Raises:
        KeysError: the environment's name for it names no file, or is missing beside the others.
    """
    key = os.environ.get("MOKANDA_BOOT_KEY")
    if not key:
        if os.environ.get("MOKANDA_RELEASE_CERT"):
            raise KeysError("set MOKANDA_BOOT_KEY beside MOKANDA_RELEASE_CERT")
        make(DEVELOPMENT)
        return DEVELOPMENT / "boot.key.pem"
    if not Path(key).is_file():
        raise KeysError(f"{key} is not a file")
    return Path(key)


def trusted(certificate: Path) -> str:
    """Return whom devices are to trust, in PEM: the last certificate of the file, and its list.

    Raises:
        KeysError: one of them is not there.
    """
    found: list[str] = _CERTIFICATE.findall(certificate.read_text(encoding="ascii"))
    if not found:
        raise KeysError(f"{certificate} holds no certificate in PEM")
    return found[-1] + _list(certificate)


def _list(certificate: Path) -> str:
    found: list[str] = _LIST.findall(certificate.read_text(encoding="ascii"))
    if len(found) != 1:
        raise KeysError(f"{certificate} holds no list of what was revoked")
    return found[0]


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


def _revoked(
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    number: int,
    serial_numbers: list[int],
) -> x509.CertificateRevocationList:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(_NOT_BEFORE)
        .next_update(_NOT_AFTER)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(issuer, critical=False)
    )
    for each in serial_numbers:
        revoked = x509.RevokedCertificateBuilder().serial_number(each)
        builder = builder.add_revoked_certificate(revoked.revocation_date(_NOT_BEFORE).build())
    return builder.sign(key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write_certificates(
    folder: Path,
    release: x509.Certificate,
    authority: x509.Certificate,
    revoked: x509.CertificateRevocationList,
) -> None:
    temporary = folder / "release.cert.pem.new"
    parts = (release, authority, revoked)
    temporary.write_bytes(b"".join(each.public_bytes(serialization.Encoding.PEM) for each in parts))
    temporary.rename(folder / "release.cert.pem")


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
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
        help="print whom images are to trust, in PEM: a certificate, and what it has revoked",
    )
    parser.add_argument(
        "--boot",
        action="store_true",
        help="print the key that signs what U-Boot starts, in PEM",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="revoke the signing key in the folder, which was stolen or lost, and make another",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="make keys in this folder, unless they are there, instead of finding the ones to use",
    )
    arguments = parser.parse_args()
    try:
        if arguments.replace:
            if not arguments.folder:
                parser.error("--replace needs a folder, which holds authority.key.pem")
            replace(arguments.folder)
        if arguments.folder:
            make(arguments.folder)
            certificate = arguments.folder / "release.cert.pem"
        else:
            _, certificate = find()
        if arguments.boot:
            print(find_boot().read_text(encoding="ascii"), end="")
        if arguments.authority:
            print(trusted(certificate), end="")
    except (KeysError, OSError) as error:
        print(f"scripts/keys: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
