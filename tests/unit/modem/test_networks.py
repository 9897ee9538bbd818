# SPDX-License-Identifier: Apache-2.0
"""The table of networks: well formed, and found by a SIM card's IMSI."""

import re
from pathlib import Path

import pytest

from mokanda_firmware.modem import networks
from mokanda_firmware.modem.apn import AccessPoint, candidates
from mokanda_firmware.modem.backend import CODE
from mokanda_firmware.modem.networks import Codes, Form, Offer
from mokanda_firmware.modem.settings import Settings

# Mobile country codes: ITU-T E.212.
COUNTRIES = {
    "CD": "630", "CG": "629", "AO": "631", "CF": "623", "UG": "641", "RW": "635", "BI": "642",
    "TZ": "640", "ZM": "645", "SS": "659", "CM": "624", "GA": "628", "KE": "639",
}  # fmt: skip
TABLE = networks.read()["network"]
VOUCHER = "12345678901234"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "networks.toml"
    path.write_text(
        'default = { name = "internet" }\n'
        '[network.99901]\nbalance = "*100#"\ntop_up = { send = "*101*{voucher}#" }\n'
        'offers = [{ name = "1 GB", send = "NET", to = "1122" }]\n'
        '[network.999012]\nbalance = "*200#"\n'
    )
    return path


def test_the_imsi_tells_the_codes(file: Path) -> None:
    codes = networks.codes("999019876543210", file)
    assert codes == Codes(
        "*100#", Form("*101*{voucher}#"), offers=(Offer("1 GB", Form("NET", "1122")),)
    )


def test_a_number_of_three_digits_goes_before_one_of_two(file: Path) -> None:
    assert networks.codes("999012345678901", file) == Codes("*200#")


@pytest.mark.parametrize("imsi", ["", "9", "998011234567890"])
def test_of_an_unknown_network_no_code_is_known(file: Path, imsi: str) -> None:
    assert networks.codes(imsi, file) == Codes()


def test_a_voucher_goes_into_its_place() -> None:
    assert Form("*101*{voucher}#").filled(VOUCHER) == Form(f"*101*{VOUCHER}#")


@pytest.mark.parametrize("voucher", ["", "1234567", "1" * 21, "1234567890*1", "\uff11" * 14])
def test_what_is_no_voucher_is_never_sent(voucher: str) -> None:
    with pytest.raises(ValueError, match="voucher"):
        Form("*101*{voucher}#").filled(voucher)


@pytest.mark.parametrize("form", [Form("*1#"), Form("#145*2#"), Form("NET 1", "1122")])
def test_what_can_be_sent(form: Form) -> None:
    assert form.can_be_sent()


@pytest.mark.parametrize(
    "form",
    [
        Form(""), Form("1"), Form("*1"), Form("*1#\n"), Form("*1#;+CMGS"), Form("", "1122"),
        Form("NET\x1a", "1122"), Form("é", "1122"), Form("x" * 101, "1122"), Form("NET", "1"),
        Form("NET", "1234567"), Form("NET", "+243"), Form("NET", "\uff11\uff11"),
    ],
)  # fmt: skip
def test_what_cannot(form: Form) -> None:
    assert not form.can_be_sent()


def test_the_number_and_the_name_of_a_network() -> None:
    assert networks.number("630010123456789") == "63001"
    assert networks.name("630010123456789") == "Vodacom"
    assert networks.number("998011234567890") == "99801"
    assert (networks.number(""), networks.name("")) == ("", "")


def test_every_country_has_networks() -> None:
    assert {each["country"] for each in TABLE.values()} == set(COUNTRIES)


@pytest.mark.parametrize(("number", "network"), TABLE.items(), ids=TABLE)
class TestEachNetwork:
    """Each entry of the table; TOML takes no number twice."""

    def test_has_a_number_of_its_country(self, number: str, network: dict[str, str]) -> None:
        assert re.fullmatch(r"\d{5,6}", number)
        assert number.startswith(COUNTRIES[network["country"]])

    def test_has_what_we_use(self, number: str, network: dict[str, str]) -> None:
        assert network["name"], number
        assert not set(network) - {
            "name",
            "country",
            "apn",
            "balance",
            "top_up",
            "bundles",
            "offers",
        }

    def test_has_access_points_that_can_be_dialled(
        self, number: str, network: dict[str, list[dict[str, str]]]
    ) -> None:
        points = [AccessPoint(**each) for each in network.get("apn", [])]
        assert len(points) == len(set(points))
        for each in points:
            Settings(each.name, each.username, each.password).check()
        assert candidates(f"{number}1234567890"[:15], Settings())[: len(points)] == points

    def test_has_codes_that_the_modem_takes(self, number: str, network: dict[str, str]) -> None:
        codes = networks.codes(f"{number}1234567890"[:15])
        assert (codes.balance, codes.bundles) == tuple(
            network.get(x, "") for x in ("balance", "bundles")
        )
        assert all(CODE.fullmatch(each) for each in (codes.balance, codes.bundles) if each)
        if codes.top_up:
            assert codes.top_up.filled("1" * 20) != codes.top_up
            assert codes.top_up.filled("1" * 20).can_be_sent()
        assert all(each.form.can_be_sent() for each in codes.offers)
        assert len(codes.offers) == len(network.get("offers", ""))
