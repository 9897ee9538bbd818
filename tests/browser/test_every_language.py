# SPDX-License-Identifier: Apache-2.0
"""Every page in every language, on a small phone without JavaScript, and with less than that."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Route

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState, LightsState, ModemState, UpdatesState
from mokanda_firmware.bus.statuses import CourierStatus, LightsStatus, ModemStatus, UpdatesStatus
from mokanda_firmware.mailbox.administration import villagers
from mokanda_firmware.mailbox.costs import ledger, tariff, usage
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.people import accounts, aliases, contacts, noticeboard, registration
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.webmail.languages import LOCALE
from mokanda_wire.limits import MONEY_UNIT
from mokanda_wire.message import Mailbox
from tests.browser.conftest import DOMAIN, PASSWORD, Phone, Phones, Webmail
from tests.browser.test_pages import PAGES
from tests.unit.mailbox.letters import letter

pytestmark = pytest.mark.browser

# What is wrong with how a page looks, one line each: the page or its bar of folders wider than the
# phone, a button of more than three lines, words cut off that are not the ends of a list's lines.
_UGLY = """() => {
  const found = [], root = document.documentElement;
  const all = (selector, each) => document.querySelectorAll(selector).forEach(each);
  const say = (tag, what) => found.push(what + ": " + tag.outerHTML.slice(0, 160));
  all("details", tag => { tag.open = true; });
  if (root.scrollWidth > 360) say(root, "wide: " + root.scrollWidth);
  all("nav", tag => tag.scrollWidth > 360 && say(tag, "nav: " + tag.scrollWidth));
  all("button, .button", tag => tag.offsetHeight > 104 && say(tag, "tall"));
  all("main *, footer *", tag => {
    const box = tag.getBoundingClientRect();
    if (tag.closest(".unseen, .skip, .who, .subject, .scroll") || !box.width) return;
    if (box.right > 360.5 || box.left < -0.5) say(tag, "out");
    const scrolls = tag.matches("input, textarea, select");
    if (!scrolls && tag.clientWidth && tag.scrollWidth > tag.clientWidth + 1) say(tag, "cut");
  });
  return found;
}"""
CODES = ["en", *sorted(path.name for path in LOCALE.iterdir() if path.is_dir())]


PUBLIC = ("/portal", "/", "/register", "/forgotten", "/news")
MORE = (
    *("/portal", "/inbox?note=photos", "/search?since=2020-01-01&people=marie"),
    *("/backup", "/logs"),
    *("/credit", "/credit/2", "/credit/receipt/1", "/account/credit"),
)
FIRST = {"village": "/first/village", "claim": "/first/claim", "summary": "/first/summary"}


def be_busy(webmail: Webmail, code: str) -> None:
    """Give Awa, the keeper, something of everything, and the device much to say."""
    store = webmail.store
    awa = accounts.register(store, "awa", "Awa Mboyo", PASSWORD, code)
    for name in ("bienvenu", "chantal", "didier"):
        accounts.register(store, name, f"{name.title()} wa Ilunga Kabongo", PASSWORD, code)
    villagers.set_role(store, awa, 2, "helper")
    villagers.suspend(store, awa, 3, suspended=True)
    villagers.delete(store, awa, 4)
    set_setting(store, registration.SETTING, registration.new_rule("code"))
    set_setting(store, "budget", {"village": 500_000, "villager": 100_000})
    set_setting(store, tariff.SETTING, tariff.to_json(tariff.Tariff("USD", 600_000)))
    aliases.add(store, awa.id, "mama")
    contacts.set_group(store, awa.id, "ecole", (Mailbox("marie@example.org", "Marie Okito"),))
    noticeboard.put_up(store, awa, "Marché", "Samedi *matin*\n- manioc\n- poisson")
    own = Mailbox(f"awa@{DOMAIN}", "Awa Mboyo")
    for number, to in enumerate((f"awa@{DOMAIN}", "marie@example.org"), 1):
        mail = letter(f"{number}@{DOMAIN}", sender=own.address, to=to)
        here = number == 1
        entries.submit(store, awa.id, mail, [to] if here else [], [] if here else [to])
    set_setting(store, ledger.SETTING, ledger.Rules(on=True, refuse=True).to_json())
    for number, amount in enumerate((50_000, 1_234_567, -7)):
        ledger.pay(store, "awa", 2, amount * MONEY_UNIT, "USD", str(number))
    ledger.correct(store, "awa", 1)
    usage.count(store, 120_000, 900_000, run=True, failed=True)
    with store.transaction() as connection:
        usage.charge(connection, awa.id, up=70_000, down=90_000)
    why = Sentence("There is no SIM card in the modem.")
    ModemStatus(
        ModemState.READY,
        detail=why,
        operator="Vodacom",
        signal=35,
        imsi="630010123456789",
        model="E3131",
    ).publish()
    late = Sentence("The modem could not connect in time. {why}", why=why)
    night = datetime(2026, 3, 2, 1, 10, tzinfo=UTC)
    CourierStatus(
        CourierState.FAILED,
        detail=late,
        last_success=night,
        next_sync=night,
        bytes_up=12_000,
        bytes_down=90_000,
    ).publish()
    failed = Sentence(
        "Version {trial} did not start as it should. Version {version} runs again.",
        trial="1.5.0",
        version="1.4.0",
    )
    UpdatesStatus(
        UpdatesState.FAILED, detail=failed, version="1.4.0", slot="A", installed=night
    ).publish()
    LightsStatus(LightsState.FAULT).publish()


def log_in(phone: Phone) -> None:
    phone.open()
    phone.fill(name="awa", password=PASSWORD)
    phone.page.locator("main button").first.click()
    phone.page.wait_for_url("**/inbox")


@pytest.mark.parametrize("code", CODES)
def test_every_page_in_this_language_is_whole_on_a_small_phone(
    phones: Phones, webmail: Webmail, code: str
) -> None:
    be_busy(webmail, code)
    awa = phones()
    awa.page.context.add_cookies([{"name": "language", "value": code, "url": webmail.url}])
    ugly = []
    for path in (*PUBLIC, *PAGES, *MORE):
        if path == PAGES[0]:
            log_in(awa)
        awa.open(path)
        assert awa.page.locator("html").get_attribute("lang") == code
        ugly += [f"{path}: {each}" for each in awa.page.evaluate(_UGLY)]
        awa.shoot(path.strip("/").replace("/", "-").replace("?", "-") or "home", whole=True)
    for step, path in FIRST.items():
        set_setting(webmail.store, "first_step", step)
        awa.open(path)
        ugly += [f"{path}: {each}" for each in awa.page.evaluate(_UGLY)]
        awa.shoot(f"first-{step}", whole=True)
    assert ugly == [], "\n".join(ugly)


def test_the_pages_are_of_use_without_their_stylesheet(phones: Phones) -> None:
    awa = phones()

    def refuse(route: Route) -> None:
        route.abort()

    awa.page.route("**/style-*", refuse)
    awa.register("awa")
    awa.write("awa", "Without colours", "As on a phone of 2008")
    awa.press("Send")
    awa.open("/inbox")
    box = awa.page.locator(".unseen").first.bounding_box()
    assert box is not None
    assert box["height"] > 5  # nothing hides it
    awa.shoot("inbox", whole=True)
    awa.page.get_by_text("Without colours").click()
    awa.shoot("letter", whole=True)
    awa.press("Delete")
    awa.press("Undo")
    assert "back where it was" in awa.page.inner_text("main")
