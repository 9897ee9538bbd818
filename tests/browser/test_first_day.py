# SPDX-License-Identifier: Apache-2.0
"""A new device: its first visitor becomes its keeper, and sets it up on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.setup import wifi
from mokanda_firmware.setup.wifi import Wifi
from mokanda_firmware.webmail.languages import languages
from mokanda_wire import claimfile
from tests.browser.conftest import PASSWORD, Phone, Phones, Webmail
from tests.browser.test_pages import found
from tests.setup_service import setup_service

pytestmark = pytest.mark.browser
CLAIM = claimfile.ClaimFile(
    relay="https://relay.example",
    code="ABCD-EFGH-JKLM",
    device="boende",
    domain="boende.example",
    relay_fingerprint="0123456789ABCDEF0123456789ABCDEF01234567",
)


@pytest.fixture
def new_device(
    webmail: Webmail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Webmail]:
    """A device that nobody has set up, and its setup service."""
    monkeypatch.setenv("MOKANDA_SETUP", str(tmp_path / "setup"))
    with webmail.store.transaction() as connection:
        connection.execute("DELETE FROM setting")
    SetupStatus(SetupState.NO_CLAIM).publish()
    with setup_service(tmp_path):
        yield webmail


def fill_in_account(phone: Phone) -> None:
    phone.fill(name="awa", display_name="Awa Mboyo", password=PASSWORD, again=PASSWORD)


@pytest.mark.usefixtures("new_device")
@pytest.mark.parametrize("javascript", [False, True], ids=["plain", "javascript"])
def test_a_keeper_sets_up_a_device(phones: Phones, tmp_path: Path, javascript: bool) -> None:
    awa = phones(javascript=javascript)
    awa.open("/generate_204")
    awa.press("English")
    fill_in_account(awa)
    awa.press("Register")
    awa.press("I have written it down")
    awa.fill(village="Boende", key="mbote na yo")
    awa.press("Go on")
    file = tmp_path / "mokanda-claim.toml"
    file.write_text(claimfile.write(CLAIM))
    awa.page.set_input_files("[name=file]", file)
    awa.press("Use this claim file")
    summary = awa.page.inner_text("main")
    for text in ("Awa Mboyo", "awa@boende.example", "Boende", "Mokanda Boende", "mbote na yo"):
        assert text in summary
    assert claimfile.read(paths.claim().read_text()) == CLAIM
    awa.press("Done")
    assert "mbote na yo" in awa.page.inner_text("main")
    assert wifi.read() == Wifi("Mokanda Boende", "mbote na yo")
    awa.press("I am connected again")
    awa.page.wait_for_url("**/inbox")


@pytest.mark.usefixtures("new_device")
def test_a_keeper_goes_on_with_another_phone(phones: Phones) -> None:
    awa = phones()
    awa.open("/register")
    fill_in_account(awa)
    awa.press("Register")
    awa.open("/first/village")
    awa.fill(village="Boende", network="Boende")
    awa.press("Go on")
    other = phones()
    other.open("/inbox")
    other.fill(name="awa", password=PASSWORD)
    other.press("Log in")
    other.press("Later")
    assert "Boende" in other.page.inner_text("main")
    other.press("Change something")
    assert other.page.input_value("[name=network]") == "Boende"
    other.press("Do the rest another day")
    other.press("I am connected again")
    other.page.wait_for_url("**/inbox")


@pytest.mark.usefixtures("new_device")
@pytest.mark.parametrize("locale", languages())
def test_each_step_fits_a_phone_and_axe_finds_nothing(phones: Phones, locale: str) -> None:
    awa = phones(javascript=True, dark=locale == "fr")
    problems = []

    def look(name: str) -> None:
        if locale in ("en", "fr"):  # light and dark; the others are the same in other words
            problems.extend(found(awa.page, name))
        elif awa.page.evaluate("document.documentElement.scrollWidth") > 360:
            problems.append(f"{name} is too wide")
        awa.shoot(name)

    def press(selector: str) -> None:
        with awa.page.expect_navigation():
            awa.page.click(selector)

    awa.open("/")
    look("welcome")
    press(f"main button[value={locale}]")
    look("account")
    fill_in_account(awa)
    press("main button")
    look("code")
    press("main .button")
    awa.fill(village="Boende", key="short")
    press("main button >> nth=0")
    look("village")
    awa.fill(key="mbote na yo, bandeko ya Boende: tokoki kokoma mikanda!")
    press("main button >> nth=0")
    look("claim")
    press("main button[name=later]")
    look("summary")
    press("main form button")
    look("reconnect")
    for path in ("/device/village", "/device/wipe"):
        awa.open(path)
        for summary in awa.page.locator("main summary").all():
            summary.click()
        look(path.rpartition("/")[2])
    awa.fill(password=PASSWORD)
    awa.page.check("[name=sure]")
    press("main button")
    look("wiped")
    assert paths.wipe_mark().exists()
    assert problems == []
