# SPDX-License-Identifier: Apache-2.0
"""What holds for every page there is."""

import re

import pytest

from mokanda_firmware.mailbox.costs import ledger
from mokanda_firmware.webmail.visit import PAGES, Page
from mokanda_wire.limits import MONEY_UNIT
from tests.unit.webmail.served_village import Phone, Village

KEEPERS = [page for page in PAGES if page.access in {"keeper", "newcomer"}]
FORMS = [page for page in PAGES if page.method == "POST" and not page.is_harmless]
FILES = (("Secret.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "image/gif"),)
OTHERS = [page for page in PAGES if page.method == "GET"]


def path_of(page: Page, number: str = "1", position: str = "0") -> str:
    """An address of a page: of Awa's first letter, its first file, the inbox."""
    path = page.path.replace("<position:int>", position)
    path = re.sub(r"<\w+:int>", number, path)
    return re.sub(r"<\w+:re:(\w+)[^>]*>", r"\1", path)


def name_of(page: Page) -> str:
    return f"{page.method} {page.path}"


def contents(village: Village) -> dict[str, object]:
    """All that a page could change, but for the mark of a letter that was opened."""
    with village.store.reading() as connection:
        tables = [
            row["name"]
            for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if not row["name"].startswith(("sqlite_", "search_"))
        ]
    found: dict[str, object] = {table: village.rows(table) for table in tables}
    found["entry"] = [{**row, "unread": 0} for row in village.rows("entry")]
    return found


def first_letter(village: Village, keeper: Phone) -> None:
    """A letter with a file, of which there is the mail as it was too; and a receipt."""
    letter = {"csrf": keeper.token(), "to": "awa", "subject": "Mbote", "text": "Mbote", "send": "1"}
    keeper.app.post("/write", letter, upload_files=[("files", *FILES[0])], status=303)
    with village.store.transaction() as connection:
        connection.execute("UPDATE message SET original = (SELECT digest FROM attachment)")
    ledger.pay(village.store, "awa", 1, MONEY_UNIT, "USD", "once")


@pytest.mark.parametrize("page", FORMS, ids=name_of)
@pytest.mark.parametrize("token", ["", "0" * 32])
def test_no_form_is_taken_without_the_token_of_this_phone(
    village: Village, page: Page, token: str
) -> None:
    keeper = village.villager("awa")
    first_letter(village, keeper)
    before = contents(village)
    fields = {"csrf": token, "send": "1", "to": "awa", "language": "fr", "name": "x"}
    answer = keeper.app.post(path_of(page), fields, status=403)
    assert "too old" in answer.text
    assert contents(village) == before


@pytest.mark.parametrize("page", FORMS, ids=name_of)
def test_the_token_of_one_phone_is_no_good_on_another(village: Village, page: Page) -> None:
    keeper, other = village.villager("awa"), village.villager("ben")
    token = other.token()
    before = contents(village)
    keeper.app.post(path_of(page), {"csrf": token, "language": "fr"}, status=403)
    assert contents(village) == before


@pytest.mark.parametrize("page", OTHERS, ids=name_of)
def test_looking_at_a_page_changes_nothing(village: Village, page: Page) -> None:
    keeper = village.villager("awa")
    first_letter(village, keeper)
    keeper.get("/inbox")
    before = contents(village)
    keeper.get(path_of(page), status=None)
    assert contents(village) == before


@pytest.mark.parametrize("page", [*OTHERS, *FORMS], ids=name_of)
def test_only_who_is_logged_in_sees_what_is_not_for_everyone(village: Village, page: Page) -> None:
    village.villager("awa").write("awa", "Secret", files=FILES)
    before = contents(village)
    phone = village.phone()
    if page.method == "GET":
        answer = phone.get(path_of(page), status=None)
        assert answer.status_int == (200 if page.access == "everyone" else 303)
    else:
        answer = phone.app.post(path_of(page), {"csrf": "0" * 32}, status=403)
    assert "Secret" not in answer.text
    assert contents(village) == before


@pytest.mark.parametrize("page", KEEPERS, ids=name_of)
def test_the_keepers_pages_are_for_no_other_villager(village: Village, page: Page) -> None:
    village.villager("awa")
    ben = village.villager("ben")
    before = contents(village)
    if page.method == "GET":
        answer = ben.get(path_of(page), status=403)
    else:
        answer = ben.post(path_of(page), status=403)
    assert "for the keeper only" in answer.text
    assert contents(village) == before


@pytest.mark.parametrize("page", OTHERS, ids=name_of)
def test_every_page_forbids_scripts_frames_and_foreign_content(
    village: Village, page: Page
) -> None:
    keeper = village.villager("awa")
    first_letter(village, keeper)
    answer = keeper.get(path_of(page), status=None)
    if answer.status_int == 303:
        answer = village.phone().get(path_of(page))
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    scripts = answer.html.select("script") if answer.content_type == "text/html" else []
    assert policy.partition("script-src ")[2].partition(";")[0] == ("'self'" if scripts else "")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if answer.content_type == "text/html":
        assert answer.headers["Cache-Control"] == "no-store"
        assert not answer.html.select("[style], style")
        assert "\\" not in answer.html.get_text()  # of a template, to join lines
        assert all(re.match("/keep-", script["src"]) and not script.text for script in scripts)
        for link in answer.html.select("[src], link[href]"):
            assert re.match(r"/[^/]|data:image/svg", str(link.get("src") or link.get("href")))


@pytest.mark.parametrize("page", OTHERS, ids=name_of)
def test_every_page_can_be_used_with_a_screen_reader(village: Village, page: Page) -> None:
    keeper = village.villager("awa")
    first_letter(village, keeper)
    answer = keeper.get(path_of(page), status=None)
    if answer.content_type != "text/html" or answer.status_int == 303:
        return
    html = answer.html
    assert html.html["lang"] == "en"
    assert len(html.find_all("h1")) == 1
    assert html.select_one("a.skip")["href"] == "#main"
    assert html.select_one("main#main")
    ids = [tag["id"] for tag in html.select("[id]")]
    assert len(ids) == len(set(ids))
    for field in html.select("input:not([type=hidden]), textarea, select"):
        assert field.find_parent("label") or html.select_one(f'label[for="{field.get("id")}"]'), (
            field
        )
    for tag in html.select("[aria-describedby]"):
        assert tag["aria-describedby"] in ids
    for button in html.select("button, a"):
        assert button.get_text(strip=True), button


def test_a_page_that_is_not_there_says_so_in_its_own_style(village: Village) -> None:
    page = village.villager("awa").get("/wp-admin.php", status=404)
    assert "There is no such page." in page.text
    assert "Content-Security-Policy" in page.headers


def test_a_fault_of_the_program_shows_no_traces(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    awa = village.villager("awa")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("mokanda_firmware.mailbox.letters.folders.page", broken)
    monkeypatch.setattr("sys.stderr.write", lambda _: None)
    answer = awa.app.get("/inbox", status=500, expect_errors=True)
    assert "Something went wrong here" in answer.text
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("page", [page for page in PAGES if ":int>" in page.path], ids=name_of)
@pytest.mark.parametrize("number", ["9" * 16, "9" * 25, "9" * 5000, "-1", "%D9%A1"])
def test_what_has_no_number_of_the_store_is_no_page(
    village: Village, page: Page, number: str
) -> None:
    keeper = village.villager("awa")
    first_letter(village, keeper)
    for path in {path_of(page, number), path_of(page, "1", number)} - {path_of(page)}:
        keeper.app.request(path, method=page.method, status=404)


@pytest.mark.parametrize("number", ["9" * 15, "9" * 25, "9" * 5000, "-1"])
@pytest.mark.parametrize(
    "path", ["/inbox?before=", "/inbox?after=", "/search?q=x&before=", "/news?before=",
             "/mail/1?from=", "/mail/1?pictures=", "/inbox?undo="]
)  # fmt: skip
def test_a_number_too_large_in_an_address_is_none(village: Village, path: str, number: str) -> None:
    keeper = village.villager("awa")
    first_letter(village, keeper)
    keeper.get(path + number)


@pytest.mark.parametrize("number", ["9" * 15, "9" * 25, "9" * 5000, "-1"])
@pytest.mark.parametrize("page", FORMS, ids=name_of)
def test_a_number_too_large_in_a_form_is_none(village: Village, page: Page, number: str) -> None:
    keeper = village.villager("awa")
    first_letter(village, keeper)
    names = ["draft", "entry", "file", "remove", "forward", "forwards", "answers", "quota"]
    names += ["every", "price", "village", "villager", "budget", "kept-draft", "kept-text", "once"]
    fields = {
        "csrf": keeper.token(),
        "currency": "CDF",
        "do": "trash",
        **dict.fromkeys(names, number),
    }
    assert keeper.app.post(path_of(page), fields, status="*").status_code != 500


def test_the_stylesheet_asks_for_nothing_that_phones_of_2014_lack(village: Village) -> None:
    phone = village.phone()
    style = phone.get(str(phone.get("/").html.select_one("link[rel=stylesheet]")["href"])).text
    newer = (
        r"\b(?:gap|grid|inset:|aspect-ratio)|var\(|clamp\(|:(?:is|where|has)\(|@(?:layer|container)"
    )
    assert re.findall(newer, style) == []


def test_the_stylesheet_is_kept_for_ever_and_packed(village: Village) -> None:
    phone = village.phone()
    path = str(phone.get("/").html.select_one("link[rel=stylesheet]")["href"])
    answer = phone.get(path)
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    assert answer.content_type == "text/css"
