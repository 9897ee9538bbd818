# SPDX-License-Identifier: Apache-2.0
"""Mail that is broken or means harm, from the world through the relay to a villager's phone."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.letters import folders
from mokanda_firmware.mailbox.people import accounts, first_steps
from mokanda_firmware.mailbox.store.database import Store
from tests.hostile import QUARTERS, collection, deliver
from tests.ready_made.mail_store import write_mail_store
from tests.unit.webmail.served_village import DOMAIN, Village

AWA = f"awa@{DOMAIN}"
# Tags that none of our pages of letters has.
FOREIGN = (
    "script:not([src^='/keep-']), style, iframe, frame, object, embed, base, svg *:not(path),"
    " meta[http-equiv]"
)


@pytest.fixture
def village(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Village]:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    monkeypatch.setattr(accounts, "_COST_LOG2", 4)
    SetupStatus(SetupState.CLAIMED, village="Boende", domain=DOMAIN).publish()
    write_mail_store(tmp_path / "mail.db")
    store = Store(tmp_path / "mail.db", tmp_path / "attachments")
    first_steps.end(store)
    yield Village(store)
    store.close()


WITHIN = re.compile(r"/(?!/)|#|data:image/svg|tel:[+0-9]|$")
OUT = re.compile(r"https?://")  # where a reader may go, who sees the address before


@pytest.mark.long
@pytest.mark.parametrize("quarter", QUARTERS)
def test_no_hostile_mail_vanishes_or_becomes_part_of_a_page(
    village: Village, capsys: pytest.CaptureFixture[str], quarter: int
) -> None:
    awa = village.villager("awa")
    account = village.rows("account")[0]["id"]
    tried = 0
    for hostile in collection(quarter):
        deliver(village.store, hostile, AWA)
        newest = max(row["id"] for row in village.rows("entry"))
        # WebTest parses a page each time that it is asked for it.
        page, passed_on, printed = (
            awa.get(f"/mail/{newest}{view}").html for view in ("", "/forward", "/print")
        )
        text = page.select_one(".text")
        assert text is not None, hostile.name
        assert hostile.words in text.get_text(), hostile.name
        seen = text.get_text(strip=True) or page.select(".attachments li")
        assert seen or hostile.empty, hostile.name
        assert not page.select("img"), hostile.name
        for view in (page, passed_on, printed):
            assert not view.select(FOREIGN), hostile.name
            for tag in view.find_all(True):
                assert not [name for name in tag.attrs if name.startswith(("on", "style"))]
                for link in ("href", "src", "action"):
                    leads_out = link == "href" and "noreferrer" in tag.get("rel", [])
                    allowed = OUT if leads_out else WITHIN
                    assert allowed.match(str(tag.get(link, ""))), hostile.name
        tried += 1
    listed = folders.page(village.store, account, "inbox", limit=10_000)
    assert sum(line.letters for line in listed.lines) == tried
    assert "evil.example/x.css" not in awa.get("/inbox").text
    with capsys.disabled():
        sys.stdout.write(f"\n{tried} hostile mails: none became part of a page, or vanished\n")
