# SPDX-License-Identifier: Apache-2.0
"""Who may do what: every page and form there is, asked by everybody there is.

A page that is new has to be given its place in the table: `test_every_page_has_its_place`.
"""

import itertools

import pytest

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.letters import drafts
from mokanda_firmware.webmail.pages.menu import MENU
from mokanda_firmware.webmail.visit import PAGES, Page
from tests.unit.webmail.served_village import Phone, Village
from tests.unit.webmail.test_protection import FILES, contents, first_letter, name_of, path_of

# Each role may do what those above it may. A helper lets people in and helps them in again; what
# costs money, changes the device or cannot be undone is the keeper's. What a newcomer may do is the
# keeper's too as soon as there is one.
ACCESS = {
    "everyone": """
        GET /
        GET /forgotten
        POST /forgotten
        POST /language
        POST /login
        GET /news
        GET /portal
        POST /portal
        GET /register
        POST /register
    """,
    "villager": """
        GET /<folder:re:inbox|outbox|sent|archive|trash>
        GET /account
        GET /account/credit
        POST /account/absence
        POST /account/aliases
        POST /account/aliases/remove
        GET /account/habits
        GET /account/mail.mbox
        POST /account/name
        POST /account/password
        POST /account/recovery
        POST /account/signature
        GET /account/unwanted
        POST /account/unwanted/block
        POST /account/unwanted/list
        POST /account/unwanted/newsletters
        POST /account/unwanted/unblock
        GET /credit/receipt/<entry:int>
        GET /device
        GET /drafts
        POST /drafts/<draft:int>/delete
        POST /logout
        GET /mail/<number:int>
        GET /mail/<number:int>/<way:re:reply|reply-all>
        POST /mail/<number:int>/block
        POST /mail/<number:int>/fetch
        GET /mail/<number:int>/file/<position:int>
        GET /mail/<number:int>/forward
        GET /mail/<number:int>/original
        GET /mail/<number:int>/picture/<position:int>
        GET /mail/<number:int>/print
        POST /mail/<number:int>/take-back
        POST /mail/<number:int>/unsubscribe
        GET /more
        POST /move
        GET /people
        POST /people/cards
        GET /people/cards.vcf
        POST /people/forget
        GET /people/group
        POST /people/group
        GET /people/person
        POST /people/person
        GET /search
        GET /write
        POST /write
        POST /write/keep
    """,
    "helper": """
        POST /news
        POST /news/<notice:int>/delete
        GET /villagers
        GET /villagers/<villager:int>
        POST /villagers/<villager:int>/password
        POST /villagers/<villager:int>/suspend
        GET /villagers/new
        POST /villagers/new
    """,
    "keeper": """
        POST /backup/forget
        POST /backup/go-back
        POST /backup/make
        GET /credit
        POST /credit
        GET /credit/<villager:int>
        POST /credit/<villager:int>
        POST /credit/entries/<entry:int>/undo
        POST /device/check
        POST /device/claim
        GET /device/modem
        POST /device/modem
        POST /device/modem/hang-up
        POST /device/modem/pin
        POST /device/modem/puk
        POST /device/modem/ask
        POST /device/modem/balance
        GET /device/modem/order
        POST /device/modem/order
        GET /device/modem/shop
        POST /device/modem/shop
        POST /device/modem/top-up
        POST /device/sync
        POST /device/trash
        GET /device/unwanted
        POST /device/unwanted
        POST /device/unwanted/block
        POST /device/unwanted/unblock
        POST /device/update
        GET /device/village
        POST /device/village
        GET /device/wipe
        POST /device/wipe
        GET /first/claim
        POST /first/claim
        POST /first/done
        GET /first/summary
        GET /first/village
        POST /first/village
        GET /logs
        GET /logs.txt
        GET /plan
        POST /plan
        GET /spending
        POST /spending/budget
        POST /villagers/<villager:int>/budget
        POST /villagers/<villager:int>/delete
        POST /villagers/<villager:int>/export
        POST /villagers/<villager:int>/quota
        POST /villagers/<villager:int>/role
        POST /villagers/names
        POST /villagers/rule
    """,
    "newcomer": """
        GET /backup
        POST /backup/cancel
        POST /backup/check
        POST /backup/restore
    """,
}
ROLES = ["everyone", "villager", "helper", "keeper"]  # "everyone" is who is not logged in
PLACES = {
    line.strip(): role for role, lines in ACCESS.items() for line in lines.strip().split("\n")
}


def phone_of(village: Village, role: str) -> Phone:
    """Somebody of this role; Awa is the keeper."""
    keeper = village.villager("awa")
    village.villager("ben")
    first_letter(village, keeper)
    if role == "keeper":
        return keeper
    if role == "everyone":
        return village.phone()
    phone = village.villager("chantal")
    keeper.post("/villagers/3/role", status=303, role=role)
    return phone


def test_every_page_has_its_place() -> None:
    assert {name_of(page): page.access for page in PAGES} == PLACES


@pytest.mark.parametrize(
    ("page", "role"),
    [
        pytest.param(page, role, id=f"{name_of(page)}-{role}")
        for page, role in itertools.product(PAGES, ROLES)
    ],
)
def test_a_page_is_for_those_whom_the_table_names(village: Village, page: Page, role: str) -> None:
    phone = phone_of(village, role)
    needed = PLACES[name_of(page)].replace("newcomer", "keeper")
    allowed = ROLES.index(role) >= ROLES.index(needed)
    before = contents(village)
    if page.method == "GET":
        answer = phone.app.get(path_of(page), expect_errors=True)
    else:
        token = phone.token("/" if role == "everyone" else "/write")
        fields = {"csrf": token, "language": "en"}
        answer = phone.app.post(path_of(page), fields, expect_errors=True)
    if role == "everyone":
        turned_away = "You were logged out." in answer.text or (
            answer.status_int == 303 and answer.location == "/" and page.path != "/language"
        )
    else:
        turned_away = "for the keeper only" in answer.text
    assert turned_away != allowed
    if not allowed:
        assert contents(village) == before
        assert role == "everyone" or "Not possible" in answer.text  # and nothing of the page


@pytest.mark.parametrize("role", ROLES[1:])
def test_the_menu_leads_to_the_pages_that_are_for_one_and_to_no_others(
    village: Village, role: str
) -> None:
    phone = phone_of(village, role)
    shown = [link["href"] for link in phone.get("/more").html.select(".menu a")]
    paths = [item.path for group in MENU.values() for item in group]
    answers = {path: phone.app.get(path, expect_errors=True) for path in paths}
    assert shown == [path for path in paths if answers[path].status_int == 200]


@pytest.mark.parametrize("role", ["villager", "helper", "keeper"])
def test_a_helper_helps_villagers_alone(village: Village, role: str) -> None:
    helper = phone_of(village, "helper")
    village.villager("didier")
    with village.store.transaction() as connection:
        connection.execute("UPDATE account SET role = ? WHERE name = 'didier'", (role,))
    expected = 303 if role == "villager" else 403
    helper.post("/villagers/4/suspend", status=expected, suspended="1")
    helper.post("/villagers/4/password", status=200 if role == "villager" else 403)


def test_a_helper_lets_somebody_in(village: Village) -> None:
    helper = phone_of(village, "helper")
    form = helper.get("/villagers").click("Add a villager").forms[0]
    form["name"], form["display_name"] = "didier", "Didier"
    password = form.submit().html.select_one(".secret").get_text()
    assert village.phone().log_in("didier", password).location == "/inbox"
    assert audit.acts(village.store)[0].actor == "chantal"


# What is somebody's own, and how another one might try to come by it.
OWN = [page for page in PAGES if ":int>" in page.path and page.access == "villager"]
FORMS = {
    "move": ("/move", {"entry": "1", "do": "trash"}),
    "archive": ("/move", {"entry": "1", "do": "archive", "whole": "1"}),
    "put back": ("/move", {"entry": "2", "do": "back"}),
    "delete": ("/move", {"entry": "2", "do": "delete"}),
    "empty": ("/move", {"do": "empty", "sure": "1"}),
    "star": ("/move", {"entry": "1", "do": "star"}),
    "answer": ("/write", {"to": "chantal", "answers": "1", "send": "1"}),
    "pass on": ("/write", {"to": "chantal", "forwards": "1", "forward": "0", "send": "1"}),
    "send a draft": ("/write", {"to": "chantal", "draft": "1", "send": "1"}),
    "keep a draft": ("/write/keep", {"draft": "1", "text": "x"}),
    "forget a person": ("/people/forget", {"address": "marie@example.org"}),
    "name a person": ("/people/person", {"old": "marie@example.org", "address": "x@y.example"}),
    "dissolve a group": ("/people/group", {"old": "ecole", "dissolve": "1"}),
    "remove an alias": ("/account/aliases/remove", {"alias": "mama"}),
}


def wealthy(village: Village) -> Phone:
    """Awa with one of everything; returns the phone of somebody else."""
    chantal = phone_of(village, "villager")
    awa = village.phone()
    awa.log_in("awa")
    awa.write("marie@example.org", "Secret", "Secret")
    awa.write("ben", "Secret draft", "Secret", button="save", files=FILES)
    awa.post("/people/group", status=303, name="ecole", members="ben")
    awa.post("/account/aliases", status=303, alias="mama")
    awa.post("/move", status=303, entry="2", do="trash")
    return chantal


def press(phone: Phone, path: str, **fields: str) -> None:
    """Send a form, whatever comes of it."""
    phone.app.post(path, {"csrf": phone.token(), **fields}, expect_errors=True)


def of_others(village: Village) -> dict[str, object]:
    """All that is in the store but what Chantal has."""
    found = contents(village)
    for table in ("entry", "draft", "contact", "session", "people_group"):
        found[table] = [row for row in village.rows(table) if row["account"] != 3]
    for table in ("message", "body", "attachment", "delivery", "draft_attachment", "search"):
        found.pop(table)  # hers may be new; what becomes of those of others, `entry` tells
    return found


@pytest.mark.parametrize("page", OWN, ids=name_of)
def test_nobody_comes_by_what_is_anothers(village: Village, page: Page) -> None:
    chantal = wealthy(village)
    before = contents(village)
    for number in (1, 2, 3):
        path = path_of(page).replace("/1", f"/{number}", 1)
        if page.method == "GET":
            assert "Secret" not in chantal.get(path, status=404).text
        else:
            press(chantal, path, what="original", file="0")
    assert contents(village) == before


@pytest.mark.parametrize(("path", "fields"), FORMS.values(), ids=FORMS)
def test_no_form_touches_what_is_anothers(
    village: Village, path: str, fields: dict[str, str]
) -> None:
    chantal = wealthy(village)
    before = of_others(village)
    press(chantal, path, **fields)
    assert of_others(village) == before
    for page in ("/inbox", "/sent", "/drafts", "/outbox", "/trash", "/archive"):
        assert "Secret" not in chantal.get(page).text
    for row in village.rows("entry"):
        if row["account"] == 3:
            assert "Secret" not in chantal.get(f"/mail/{row['id']}").text
    chantal.get("/write?draft=1", status=404)
    assert drafts.load(village.store, 1, 1) is not None
