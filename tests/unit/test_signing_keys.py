# SPDX-License-Identifier: Apache-2.0
import re
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from scripts.releases import signing_keys


def certificates(folder: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((folder / "release.cert.pem").read_bytes())


def test_the_authority_certifies_the_signing_key(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    release, authority = certificates(tmp_path)
    release.verify_directly_issued_by(authority)
    authority.verify_directly_issued_by(authority)


def test_certificates_hold_whatever_the_clock_says(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    for certificate in certificates(tmp_path):
        assert certificate.not_valid_before_utc.year == 1970
        assert certificate.not_valid_after_utc.year == 9999


def test_keys_are_the_owners_alone(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    for name in ("authority.key.pem", "release.key.pem", "boot.key.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_keys_are_made_once(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    before = (tmp_path / "release.key.pem").read_bytes()
    signing_keys.make(tmp_path)
    assert (tmp_path / "release.key.pem").read_bytes() == before


def test_images_trust_the_last_certificate_of_the_file(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    text = signing_keys.trusted(tmp_path / "release.cert.pem")
    assert x509.load_pem_x509_certificate(text.encode()) == certificates(tmp_path)[1]


def test_images_know_what_the_authority_has_revoked(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    stolen, authority = certificates(tmp_path)
    signing_keys.replace(tmp_path)
    signing_keys.replace(tmp_path)
    certificate = tmp_path / "release.cert.pem"
    revoked = x509.load_pem_x509_crl(signing_keys.trusted(certificate).encode())
    assert revoked.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    assert revoked.get_revoked_certificate_by_serial_number(stolen.serial_number)
    assert len(revoked) == 2
    assert revoked.next_update_utc
    assert revoked.next_update_utc.year == 9999


def test_a_replaced_key_is_another_one_of_the_same_authority(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    stolen, authority = certificates(tmp_path)
    signing_keys.replace(tmp_path)
    release, same = certificates(tmp_path)
    assert same == authority
    release.verify_directly_issued_by(authority)
    assert release.public_key() != stolen.public_key()
    key = serialization.load_pem_private_key((tmp_path / "release.key.pem").read_bytes(), None)
    assert key.public_key() == release.public_key()


def test_the_authoritys_key_is_needed_to_revoke(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    (tmp_path / "authority.key.pem").unlink()
    with pytest.raises(signing_keys.KeysError, match=r"authority.key.pem is needed"):
        signing_keys.replace(tmp_path)


def test_keys_of_before_there_was_a_list_get_one(tmp_path: Path) -> None:
    signing_keys.make(tmp_path)
    file = tmp_path / "release.cert.pem"
    text = file.read_text()
    file.write_text(text[: text.index("-----BEGIN X509 CRL")])
    with pytest.raises(signing_keys.KeysError, match="no list"):
        signing_keys.trusted(file)
    signing_keys.make(tmp_path)
    assert "X509 CRL" in signing_keys.trusted(file)


def test_the_operators_keys_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signing_keys.make(tmp_path)
    monkeypatch.setenv("MOKANDA_RELEASE_KEY", str(tmp_path / "release.key.pem"))
    monkeypatch.setenv("MOKANDA_RELEASE_CERT", str(tmp_path / "release.cert.pem"))
    assert signing_keys.find() == (tmp_path / "release.key.pem", tmp_path / "release.cert.pem")


def test_the_operators_key_for_u_boot_is_asked_for_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing_keys.make(tmp_path)
    monkeypatch.delenv("MOKANDA_BOOT_KEY", raising=False)
    monkeypatch.setenv("MOKANDA_RELEASE_CERT", str(tmp_path / "release.cert.pem"))
    with pytest.raises(signing_keys.KeysError, match="set MOKANDA_BOOT_KEY"):
        signing_keys.find_boot()
    monkeypatch.setenv("MOKANDA_BOOT_KEY", str(tmp_path / "boot.key.pem"))
    assert signing_keys.find_boot() == tmp_path / "boot.key.pem"


def test_half_an_operators_pair_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_RELEASE_KEY", str(tmp_path / "release.key.pem"))
    monkeypatch.delenv("MOKANDA_RELEASE_CERT", raising=False)
    with pytest.raises(signing_keys.KeysError, match="set both"):
        signing_keys.find()


def test_a_key_in_a_token_is_named_by_its_uri(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing_keys.make(tmp_path)
    certificate = tmp_path / "release.cert.pem"
    uri = "pkcs11:token=mokanda;object=release"
    monkeypatch.setenv("MOKANDA_RELEASE_CERT", str(certificate))
    monkeypatch.setenv("MOKANDA_RELEASE_KEY", str(tmp_path / "release.key.pem"))
    assert signing_keys.find(uri) == (uri, certificate)
    monkeypatch.setenv("MOKANDA_RELEASE_KEY", uri)
    assert signing_keys.find() == (uri, certificate)


def test_a_pin_in_the_uri_would_be_in_every_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOKANDA_RELEASE_CERT", str(tmp_path / "release.cert.pem"))
    with pytest.raises(signing_keys.KeysError, match="RAUC_PKCS11_PIN"):
        signing_keys.find("pkcs11:object=release?pin-value=1234")


def test_a_missing_key_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_RELEASE_KEY", str(tmp_path / "absent.pem"))
    monkeypatch.setenv("MOKANDA_RELEASE_CERT", str(tmp_path / "absent.pem"))
    with pytest.raises(signing_keys.KeysError, match=re.escape("absent.pem is not a file")):
        signing_keys.find()


def test_a_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(signing_keys.KeysError, match="holds no certificate"):
        signing_keys.trusted(tmp_path / "empty.pem")
