# SPDX-License-Identifier: Apache-2.0
"""What holds for every page on a phone: it fits, everybody can use it, it costs little."""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

from mokanda_firmware.bus.sentences import as_it_is
from mokanda_firmware.bus.states import CourierState, ModemState, UpdatesState
from mokanda_firmware.bus.statuses import CourierStatus, ModemStatus, UpdatesStatus
from tests.browser.conftest import PASSWORD, Phones

pytestmark = pytest.mark.browser
PAGES = (
    *("/inbox", "/inbox?select=1", "/inbox?note=moved-trash&undo=1", "/outbox", "/sent"),
    *("/archive", "/trash", "/drafts", "/more", "/search", "/search?q=supercali", "/people"),
    *("/people/group?name=ecole", "/account/habits", "/news"),
    *("/mail/1", "/mail/1/reply", "/mail/1/forward", "/mail/1/print", "/write", "/account"),
    *("/account/unwanted", "/device/unwanted"),
    *("/device", "/device/village", "/device/modem", "/device/wipe", "/plan", "/spending"),
    *("/villagers", "/villagers/new", "/villagers/1", "/villagers/2", "/nowhere"),
)
# Colours have nothing to do with words: two looks show all that four would.
LOOKS = pytest.mark.parametrize(
    ("locale", "dark"), [("en", False), ("fr", True)], ids=["en-light", "fr-dark"]
)


@LOOKS
def test_every_page_fits_a_phone_and_axe_finds_nothing(
    phones: Phones, locale: str, dark: bool
) -> None:
    CourierStatus(CourierState.SYNCING, progress=0.4, bytes_up=12_000).publish()
    ModemStatus(ModemState.NO_SIM, detail=as_it_is("x" * 80)).publish()
    UpdatesStatus(UpdatesState.AVAILABLE, version="1", offered="2", size=96_000).publish()
    awa, ben = (phones(javascript=True, dark=dark, locale=locale) for _ in range(2))
    long = "supercalifragilistic" * 8
    problems = []
    for path in ("/portal", "/", "/register", "/forgotten"):
        awa.open(path)
        problems += found(awa.page, path)
        awa.shoot(path.strip("/") or "home")
    for phone, name, called in ((awa, "awa", "A" * 40), (ben, "ben", "ben")):
        phone.open("/register")
        phone.fill(name=name, display_name=called, password=PASSWORD, again=PASSWORD)
        phone.page.click("main button")
    awa.write("awa, ben, marie@example.org", long, f"{long}\n{long}")
    awa.page.click("button[name=send]")
    awa.page.wait_for_url("**/outbox?*")
    awa.write("awa", "Draft", "Text")
    awa.page.click("button[name=save]")
    awa.page.wait_for_url("**/write?*")
    awa.open("/people/group")
    awa.fill(name="ecole", members="ben, marie@example.org")
    awa.page.click("main button")
    awa.open("/account/habits")
    awa.fill(alias="mama")
    awa.page.locator("main button").last.click()
    awa.open("/news")
    awa.fill(title=long, text=f"*{long}*\n- {long}\n> {long}")
    awa.page.locator("main button").last.click()
    for page in ("/account/unwanted", "/device/unwanted"):
        awa.open(page)
        awa.fill(writer=f"{'x' * 60}@{'long-' * 10}name.example.org")
        awa.page.click('form[action$="/block"] button')
    for path in PAGES:
        awa.open(path)
        problems += found(awa.page, path)
        awa.shoot(path.strip("/").replace("/", "-").replace("?", "-"))
    assert problems == []


def found(page: Page, path: str, most: int = 360) -> list[str]:
    """What is wrong with a page."""
    problems = []
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > most:
        problems.append(f"{path}: {width} pixels wide")
    answer = Axe().run(page).response
    assert answer["passes"], "axe has not looked at the page"
    for violation in answer["violations"]:
        where = [node["target"] for node in violation["nodes"]]
        problems.append(f"{path}: {violation['id']}: {violation['help']}: {where}")
    return problems


def test_a_first_visit_takes_two_requests(phones: Phones) -> None:
    awa = phones()
    asked: list[str] = []
    awa.page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    awa.open("/")
    names = [name.partition("-")[0] for name in asked if not name.startswith("data:")]
    assert names == ["", "style"]
