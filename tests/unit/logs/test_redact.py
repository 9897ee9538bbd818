# SPDX-License-Identifier: Apache-2.0
"""Nothing that is somebody's own stays in a line of the log, wherever it stands."""

from __future__ import annotations

import ipaddress
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mokanda_firmware.logs.redact import MAX_LINE, redact

# How other programs and ours put things into their lines.
AROUND = st.sampled_from(
    ["{}", "<{}>", "'{}'", "({})", "from {} to there", "got {}, then more", "x={}", "[{}]", "{}."]
)
LOCAL = st.text(string.ascii_letters + string.digits + ".+_-", min_size=3, max_size=30).filter(
    lambda name: name[0].isalpha() and name[-1].isalnum()
)
HEX = st.text("0123456789abcdef", min_size=16, max_size=64)
TOKEN = st.text(string.ascii_letters + string.digits + "_-", min_size=24, max_size=60).filter(
    lambda token: (
        any(each.isdigit() for each in token)
        and any(each.isalpha() for each in token)
        and token[0].isalnum()
        and token[-1].isalnum()
    )
)
DIGITS = st.text(string.digits, min_size=7, max_size=20)
WORDS = st.text(string.ascii_letters + string.digits + "!$%&*", min_size=6, max_size=30)


@given(AROUND, LOCAL)
def test_the_local_part_of_an_address(around: str, local: str) -> None:
    line = redact(around.format(f"{local}@kitenge.example"))
    assert f"{local}@" not in line
    assert "…@kitenge.example" in line


@given(AROUND, st.ip_addresses(v=4))
def test_an_address_of_a_phone(around: str, address: ipaddress.IPv4Address) -> None:
    assert str(address) not in redact(around.format(address))


@given(AROUND, st.ip_addresses(v=6))
def test_a_newer_address_of_a_phone(around: str, address: ipaddress.IPv6Address) -> None:
    assume(len(str(address)) > 4)  # "::1" is nobody's
    assert str(address) not in redact(around.format(address))


@given(AROUND, st.binary(min_size=6, max_size=6), st.sampled_from(":-"))
def test_the_hardware_address_of_a_phone(around: str, address: bytes, between: str) -> None:
    written = address.hex(between)
    assert written not in redact(around.format(written))


@given(AROUND, st.one_of(HEX, TOKEN, DIGITS))
def test_keys_tokens_and_numbers_of_cards(around: str, secret: str) -> None:
    assert secret not in redact(around.format(secret))


@given(
    st.sampled_from(
        ["passphrase", "password", "psk", "wpa_passphrase", "token", "claim code", "key", "PIN"]
    ),
    st.sampled_from(["{}={}", "{}: {}", '{}="{}"', "{} = {}", '"{}": "{}"', "the {} is {}"]),
    WORDS,
)
def test_what_stands_behind_the_name_of_a_secret(name: str, form: str, secret: str) -> None:
    line = form.format(name, secret)
    assume(line.count(secret) == 1)
    assert secret not in redact(line)


@given(st.text(string.ascii_letters + " ,.!?'", min_size=4, max_size=60))
def test_a_subject_to_its_end(subject: str) -> None:
    assume(subject.strip() not in ("", "Subject"))
    line = f"mail 7 subject: {subject.strip()}"
    assume(line.count(subject.strip()) == 1)
    assert subject.strip() not in redact(line)


@given(st.text(max_size=300))
def test_any_line_can_be_read(line: str) -> None:
    assert isinstance(redact(line), str)


@given(st.text(max_size=200))
def test_what_is_redacted_stays_so(line: str) -> None:
    once = redact(line)
    assert redact(once).count("@") == once.count("@")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("wlan0: STA 3c:5a:b4:11:22:33 IEEE 802.11: associated", "wlan0: STA … IEEE 802.11"),
        ("DHCPACK(wlan0) 192.168.73.23 3c:5a:b4:11:22:33 Awas-Phone", "DHCPACK(wlan0) …"),
        ("MSISDN +243 81 234 56 78 found", "MSISDN … found"),
        ("claim ABCD-EFGH-JKLM refused", "claim … refused"),
    ],
)
def test_lines_of_other_programs(line: str, said: str) -> None:
    assert said in redact(line)
    assert "Awas" not in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "synced: 3 mails up, 12 down in 41 s",
        "applied down=17 mails=3 events=0",
        "update to 1.4.2: lies in slot B, restarting",
        "usb 2-1: new full-speed USB device number 4 using ohci-platform",
        "2026-11-23T11:10:00 the clock was set",
        "mmc0: card 0001 removed",
    ],
)
def test_what_a_log_is_read_for_stays(line: str) -> None:
    assert redact(line) == line


def test_an_address_at_the_end_of_what_is_looked_at_goes_with_its_line() -> None:
    long = "word " * (MAX_LINE // 5 - 1) + "am" + "ina@kitenge.example was here"
    assert "am" not in redact(long)
