# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from mokanda_firmware.modem.apn import AccessPoint, find

PROVIDERS = """\
<serviceproviders format="2.0">
<country code="xx">
  <provider><name>Two</name><gsm>
    <network-id mcc="999" mnc="01"/>
    <apn value="mms.two"><usage type="mms"/></apn>
    <apn value="post.two"><plan type="postpaid"/><usage type="internet"/></apn>
    <apn value="pre.two"><plan type="prepaid"/><usage type="internet"/>
      <username>u</username><password>p</password></apn>
  </gsm></provider>
  <provider><name>Three</name><gsm>
    <network-id mcc="999" mnc="012"/>
    <apn value="three"><usage type="internet"/></apn>
  </gsm></provider>
  <provider><name>Pictures</name><gsm>
    <network-id mcc="999" mnc="55"/>
    <apn value="mms.only"><usage type="mms"/></apn>
  </gsm></provider>
</country>
</serviceproviders>
"""
OVERRIDES = """\
default = { name = "internet" }
[network]
99977 = { name = "ours", username = "me" }
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    providers, overrides = tmp_path / "providers.xml", tmp_path / "apn.toml"
    providers.write_text(PROVIDERS)
    overrides.write_text(OVERRIDES)
    return providers, overrides


@pytest.mark.parametrize(
    ("imsi", "expected"),
    [
        ("999019876543210", AccessPoint("pre.two", "u", "p")),  # MNC 01, prepaid first
        ("999012345678901", AccessPoint("three")),  # MNC 012
        ("999771234567890", AccessPoint("ours", "me")),  # our own list
        ("999551234567890", AccessPoint("internet")),  # known, but not for the Internet
        ("999881234567890", AccessPoint("internet")),  # unknown
        ("", AccessPoint("internet")),  # a modem that does not tell
    ],
)
def test_the_imsi_tells_the_access_point(
    files: tuple[Path, Path], imsi: str, expected: AccessPoint
) -> None:
    assert find(imsi, *files) == expected


def test_without_the_public_list_there_is_our_own(files: tuple[Path, Path]) -> None:
    assert find("999771234567890", Path("/nowhere"), files[1]).name == "ours"


def test_the_list_that_ships_can_be_read() -> None:
    assert find("630021234567890", Path("/nowhere")).name == "internet"
