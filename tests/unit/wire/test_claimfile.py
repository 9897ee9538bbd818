# SPDX-License-Identifier: Apache-2.0

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_wire import claimfile
from mokanda_wire.claimfile import ClaimFile, ClaimFileError

CLAIM = ClaimFile(
    relay="https://relay.example.org:8443",
    code="A2B3-C4D5-E6F7",
    device="kimpese",
    domain="kimpese.example.org",
    relay_fingerprint="0123456789ABCDEF0123456789ABCDEF01234567",
    certificate="-----BEGIN CERTIFICATE-----\nMIIB+/=\nAAAA\n-----END CERTIFICATE-----",
)


def test_a_claim_file_reads_as_it_was_written() -> None:
    assert claimfile.read(claimfile.write(CLAIM)) == CLAIM


def test_a_relay_with_a_public_certificate_needs_none_in_the_claim_file() -> None:
    claim = CLAIM._replace(certificate="")
    assert claimfile.read(claimfile.write(claim)) == claim


def test_what_a_windows_editor_does_to_a_claim_file_is_harmless() -> None:
    text = "\ufeff" + claimfile.write(CLAIM).replace("\n", "\r\n")
    claim = claimfile.read(text)
    assert claim.certificate.split() == CLAIM.certificate.split()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("relay", "http://relay.example.org"),
        ("relay", "https://"),
        ("relay", "https://relay.example.org:99999"),
        ("relay", "https://relay.example.org/path"),
        ("code", "A2B3"),
        ("device", "../kimpese"),
        ("domain", "localhost"),
        ("relay_fingerprint", "0123"),
        ("certificate", "-----BEGIN CERTIFICATE-----"),
    ],
)
def test_a_damaged_field_is_named_with_what_to_do(field: str, value: str) -> None:
    text = claimfile.write(CLAIM._replace(**{field: value}))
    with pytest.raises(ClaimFileError, match=field):
        claimfile.read(text)


def test_a_truncated_claim_file_is_refused_with_what_to_do() -> None:
    text = claimfile.write(CLAIM)
    for end in range(0, text.index("certificate = "), 7):
        with pytest.raises(ClaimFileError):
            claimfile.read(text[:end])


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(ClaimFileError):
        claimfile.read(text)


def test_a_number_that_is_too_long_to_be_read_is_damage() -> None:
    with pytest.raises(ClaimFileError):
        claimfile.read("code = " + "1" * 5000)
