# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from mokanda_firmware.modem.apn import AccessPoint, candidates
from mokanda_firmware.modem.settings import Settings

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
[network.99977]
apn = [{ name = "ours", username = "me" }]
[network.99978]
balance = "*100#"
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    providers, overrides = tmp_path / "providers.xml", tmp_path / "networks.toml"
    providers.write_text(PROVIDERS)
    overrides.write_text(OVERRIDES)
    return providers, overrides


@pytest.mark.parametrize(
    ("imsi", "expected"),
    [
        (  # MNC 01, prepaid first
            "999019876543210",
            [AccessPoint("pre.two", "u", "p"), AccessPoint("post.two"), AccessPoint("internet")],
        ),
        ("999012345678901", [AccessPoint("three"), AccessPoint("internet")]),  # MNC 012
        ("999771234567890", [AccessPoint("ours", "me"), AccessPoint("internet")]),  # our own list
        ("999781234567890", [AccessPoint("internet")]),  # of which we know codes alone
        ("999551234567890", [AccessPoint("internet")]),  # known, but not for the Internet
        ("999881234567890", [AccessPoint("internet")]),  # unknown
    ],
)
def test_the_imsi_tells_the_access_points(
    files: tuple[Path, Path], imsi: str, expected: list[AccessPoint]
) -> None:
    assert candidates(imsi, Settings(), *files)[: len(expected)] == expected


def test_all_are_tried_over_both_versions_of_ip_in_the_end(files: tuple[Path, Path]) -> None:
    tried = candidates("999771234567890", Settings(), *files)
    assert [(each.name, each.protocol) for each in tried] == [
        ("ours", "IP"),
        ("internet", "IP"),
        ("ours", "IPV4V6"),
        ("internet", "IPV4V6"),
    ]


def test_the_keepers_own_comes_first(files: tuple[Path, Path]) -> None:
    first = candidates("999771234567890", Settings(apn="keeper.s", username="k"), *files)[0]
    assert first == AccessPoint("keeper.s", "k")


def test_what_has_worked_for_this_card_comes_before_the_lists(files: tuple[Path, Path]) -> None:
    worked = Settings(imsi="999019876543210", worked="post.two")
    assert candidates("999019876543210", worked, *files)[0].name == "post.two"
    assert candidates("999019876543211", worked, *files)[0].name == "pre.two"
