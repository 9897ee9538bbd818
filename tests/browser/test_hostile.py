# SPDX-License-Identifier: Apache-2.0
"""Mail that means harm, in a real browser with JavaScript on."""

import sys

import pytest
from playwright.sync_api import Dialog

from mokanda_firmware.mailbox.letters.opened import read
from mokanda_wire.text import one_line
from tests.browser.conftest import DOMAIN, Phones, Webmail
from tests.hostile import QUARTERS, collection, deliver

pytestmark = pytest.mark.browser
_STRANGERS = "script, style, iframe, frame, object, embed, base, form:not([action^='/'])"
# What stands out to the side.
_TOO_WIDE = """() => [...document.querySelectorAll("main *")]
  .filter(tag => tag.getBoundingClientRect().right > 360).map(tag => tag.outerHTML.slice(0, 300))"""


@pytest.mark.long
@pytest.mark.parametrize("quarter", QUARTERS)
def test_no_hostile_mail_runs_script_asks_the_world_or_breaks_its_page(
    phones: Phones, webmail: Webmail, capsys: pytest.CaptureFixture[str], quarter: int
) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    happened: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        happened.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    awa.page.on("dialog", dismiss)
    awa.page.on("console", lambda message: happened.append(f"console: {message.text}"))
    awa.page.on("pageerror", lambda error: happened.append(f"error: {error}"))
    awa.page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((f"{webmail.url}/", "data:image/svg+xml"))
            else happened.append(f"request: {request.url}")
        ),
    )
    number = 0
    for number, hostile in enumerate(collection(quarter), 1):
        deliver(webmail.store, hostile, f"awa@{DOMAIN}")
        awa.open(f"/mail/{number}?pictures=1")
        letter = read(webmail.store, 1, number)
        assert letter is not None
        subject = letter.message.subject or "(no subject)"
        assert awa.page.title().startswith(one_line(subject)[:40]), hostile.name
        assert awa.page.locator(_STRANGERS).count() == 0, hostile.name
        assert awa.page.evaluate(_TOO_WIDE) == [], hostile.name
        assert awa.page.get_by_role("link", name="Forward", exact=True).last.is_visible()
        assert awa.page.get_by_role("link", name="Inbox").first.is_visible(), hostile.name
        assert awa.page.url == f"{webmail.url}/mail/{number}?pictures=1", hostile.name
        assert happened == [], hostile.name
    assert number > 150
    awa.open("/inbox")
    awa.shoot("inbox")
    with capsys.disabled():
        sys.stdout.write(f"\n{number} hostile mails: none ran script or broke its page\n")
