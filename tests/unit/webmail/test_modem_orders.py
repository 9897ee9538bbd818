# SPDX-License-Identifier: Apache-2.0
"""Bundles and vouchers on the keeper's pages."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Never

import pytest
from webtest import Form as WebForm
from webtest import TestResponse

from mokanda_firmware.bus.requests import Request, Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.modem import orders, shop
from mokanda_firmware.modem.backend import CODE, Answer, Facts, PinError, SendError, UssdError
from mokanda_firmware.modem.networks import Form, Offer
from mokanda_firmware.modem.orders import Counter, Order
from mokanda_firmware.modem.shop import Shop
from mokanda_firmware.modem.verbs import ordering
from mokanda_firmware.modem.verbs.network import Network
from mokanda_firmware.modem.verbs.unlocking import Unlocking
from tests.statuses import READY
from tests.unit.webmail.served_village import Phone, Village

NETWORK = READY.imsi[:5]
WEEK = Offer("1 GB, a week", Form("NET1", "1122"), "2 USD", "1 GB")
MENU = Offer("Offres", Form("*111#"))
VOUCHER = "12345678901234"


class Modem:
    """What is sent through it, and what comes back; it is a worker's, and does all at once."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answers = [Answer("1 <b>Jour</b> 2 Mois", is_menu=True), Answer("Active", False)]
        self.trouble: SendError | None = None
        self.state = ModemState.READY
        self.facts = Facts(imsi=READY.imsi, imei=READY.imei)
        self.menu_is_open = False
        self.modem = self.sim_services = self

    def ask_network(self, code: str) -> Answer:
        if not CODE.fullmatch(code):
            raise UssdError(Sentence("A code has digits, * and # only, {most} at most.", most=20))
        self.sent.append(code)
        answer = self.answers.pop(0)
        self.menu_is_open = answer.is_menu
        return answer

    def send(self, text: str, number: str) -> None:
        self.sent.append(f"{text} to {number}")
        if self.trouble:
            raise self.trouble

    def enter_pin(self, pin: str, *, keep: bool) -> None:  # noqa: ARG002
        self.sent.append(pin)
        raise PinError.refused("PIN", 2)

    def plugged_in(self) -> "Modem":
        return self

    def best_first(self) -> list["Modem"]:
        return [self]

    def forgive(self) -> None:
        """As the allowance does."""

    def heard(self, *_: object) -> None:
        """As the balance does."""

    def answer(self, request: Request, act: Callable[[], dict[str, Any]], _: float) -> None:
        request.reply(**act())


@contextmanager
def daemon(modem: Any) -> Iterator[None]:  # noqa: ANN401 - it stands for each of the verbs' parts
    """The modem's daemon, as far as the keeper's forms go to it."""
    requests = Requests("modem")
    ends = threading.Event()
    counter = Counter()

    def publish() -> None:
        replace(
            READY,
            state=modem.state,
            imsi=modem.facts.imsi,
            next_order=counter.next_number,
            open_menu=network.open_menu,
        ).publish()

    network = Network(modem, modem, counter, publish)
    unlocking = Unlocking(modem, modem, counter, publish)
    verbs: dict[str, Callable[[Request], None]] = {
        "ussd": network.ask,
        "order": network.order,
        "pin": unlocking.enter_pin,
        "sell": ordering.change_shop,
        "look": Request.reply,
    }

    def serve() -> None:
        while not ends.is_set():
            if request := requests.receive(timeout=0.05):
                request.carry_out(verbs)

    publish()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
        requests.close()


def form_of(page: TestResponse, field: str = "number") -> WebForm:
    """The first form that has a field."""
    return next(form for form in page.forms.values() if field in form.fields)


def fill(form: WebForm, **fields: str) -> None:
    for name, value in fields.items():
        form[name].force_value(value)


@pytest.fixture
def keeper(village: Village) -> Phone:
    keeper = village.villager("awa")
    READY.publish()
    return keeper


@pytest.fixture
def modem(keeper: Phone) -> Iterator[Modem]:  # noqa: ARG001 - the village comes first
    modem = Modem()
    with daemon(modem):
        yield modem


def test_a_bundle_is_ordered_after_a_question_and_its_answer_shown(
    keeper: Phone, modem: Modem
) -> None:
    shop.keep(NETWORK, Shop(offers=(WEEK,)))
    question = keeper.get("/device/modem").click("1 GB, a week")
    for told in ("2 USD", "NET1", "→ 1122", "takes money"):
        assert told in question.text
    assert modem.sent == []
    answer = form_of(question).submit()
    assert modem.sent == ["NET1 to 1122"]
    assert "The message has gone." in answer.text


def test_a_form_that_comes_twice_orders_once(keeper: Phone, modem: Modem) -> None:
    shop.keep(NETWORK, Shop(offers=(WEEK,)))
    form = form_of(keeper.get("/device/modem").click("1 GB, a week"))
    assert "The message has gone." in form.submit().text
    assert "The message has gone." in form.submit().text
    assert modem.sent == ["NET1 to 1122"]


def test_a_form_from_before_another_order_orders_nothing(keeper: Phone, modem: Modem) -> None:
    shop.keep(NETWORK, Shop(offers=(WEEK, MENU)))
    page = keeper.get("/device/modem")
    old = form_of(page.click("1 GB, a week"))
    form_of(page.click("Offres")).submit()
    assert "Something else was done" in old.submit(status=409).text
    assert modem.sent == ["*111#"]


def test_a_menu_is_answered_and_each_answer_goes_once(keeper: Phone, modem: Modem) -> None:
    shop.keep(NETWORK, Shop(offers=(MENU,)))
    page = form_of(keeper.get("/device/modem").click("Offres")).submit()
    assert "1 &lt;b&gt;Jour&lt;/b&gt; 2 Mois" in page.text
    form = form_of(page, "choice")
    form["choice"] = " 2 "
    assert "Active" in form.submit().text
    assert "Active" in form.submit().text
    assert modem.sent == ["*111#", "2"]


def test_a_voucher_goes_by_the_keepers_form_and_its_number_is_not_kept(
    village: Village, keeper: Phone, modem: Modem
) -> None:
    shop.keep(NETWORK, Shop(top_up=Form("*123*{voucher}#")))
    form = form_of(keeper.get("/device/modem"), "voucher")
    form["voucher"] = "1234 5678-901234"
    form.submit()
    assert modem.sent == [f"*123*{VOUCHER}#"]
    assert [each.name for each in orders.read()] == ["…1234"]
    assert all(VOUCHER not in each.subject for each in audit.acts(village.store))


@pytest.mark.parametrize("voucher", ["12#*3", "1234567", "1" * 21, "1  " * 21])
def test_a_voucher_that_is_none_never_reaches_the_network(
    keeper: Phone, modem: Modem, voucher: str
) -> None:
    shop.keep(NETWORK, Shop(top_up=Form("*123*{voucher}#")))
    form = form_of(keeper.get("/device/modem"), "voucher")
    form["voucher"].force_value(voucher)
    assert "8 to 20 digits" in form.submit(status=422).text
    assert modem.sent == []


def test_what_nobody_knows_is_said_so(keeper: Phone, modem: Modem) -> None:
    modem.trouble = SendError.unknown()
    shop.keep(NETWORK, Shop(offers=(WEEK,)))
    answer = form_of(keeper.get("/device/modem").click("1 GB, a week")).submit()
    assert "Whether the message has gone is not known." in answer.text
    assert "Ask for the balance before you order it once more." in answer.text


def test_another_card_of_the_same_network_gets_no_order(keeper: Phone, modem: Modem) -> None:
    shop.keep(NETWORK, Shop(offers=(WEEK,)))
    form = form_of(keeper.get("/device/modem").click("1 GB, a week"))
    modem.facts = Facts(imsi=f"{NETWORK}9999999999")
    assert "not the one for which this page was opened" in form.submit(status=409).text
    assert modem.sent == []


def test_an_earlier_step_that_is_loaded_again_asks_for_no_choice(
    keeper: Phone, modem: Modem
) -> None:
    modem.answers.insert(1, Answer("1 Oui 2 Non", is_menu=True))
    shop.keep(NETWORK, Shop(offers=(MENU,)))
    order = form_of(keeper.get("/device/modem").click("Offres"))
    choice = form_of(order.submit(), "choice")
    choice["choice"] = "1"
    choice.submit()
    again = order.submit()
    assert "1 &lt;b&gt;Jour&lt;/b&gt; 2 Mois" in again.text
    assert not any("choice" in form.fields for form in again.forms.values())
    choice["number"].force_value(str(form_of(again)["number"].value))
    assert "no longer waits" in choice.submit(status=409).text
    assert modem.sent == ["*111#", "1"]


def test_a_menu_of_a_code_is_answered_in_its_own_form(keeper: Phone, modem: Modem) -> None:
    form = form_of(keeper.get("/device/modem"), "code")
    form["code"] = "*100#"
    page = form.submit()
    assert "Your choice from this menu" in page.text
    choice = form_of(page, "code")
    choice["code"] = "2"
    assert "Active" in choice.submit().text
    assert "Your choice from this menu" not in form.submit(status=409).text
    assert modem.sent == ["*100#", "2"]


@pytest.mark.parametrize("choice", ["a", "", "\uff11", "1" * 21])
def test_after_a_mistyped_choice_the_menu_can_be_answered(
    keeper: Phone, modem: Modem, choice: str
) -> None:
    shop.keep(NETWORK, Shop(offers=(MENU,)))
    form = form_of(form_of(keeper.get("/device/modem").click("Offres")).submit(), "choice")
    form["choice"].force_value(choice)
    page = form.submit(status=409)
    assert "digits, * and # only, 20 at most" in page.text
    assert "1 &lt;b&gt;Jour&lt;/b&gt; 2 Mois" in page.html.select_one("#orders > .said").decode()
    form = form_of(page, "choice")
    form["choice"] = "2"
    assert "Active" in form.submit().text
    assert modem.sent == ["*111#", "2"]


@pytest.mark.parametrize("choice", ["a", "", "\uff11"])
def test_after_a_mistyped_choice_the_menu_of_a_code_can_be_answered(
    keeper: Phone, modem: Modem, choice: str
) -> None:
    form = form_of(keeper.get("/device/modem"), "code")
    form["code"] = "*100#"
    form = form_of(form.submit(), "menu")
    form["code"].force_value(choice)
    form = form_of(form.submit(status=409), "menu")
    form["code"] = "2"
    assert "Active" in form.submit().text
    assert modem.sent == ["*100#", "2"]


def test_the_page_that_is_opened_again_shows_the_menu_that_waits(
    keeper: Phone, modem: Modem
) -> None:
    shop.keep(NETWORK, Shop(offers=(MENU,)))
    form_of(keeper.get("/device/modem").click("Offres")).submit()
    page = keeper.get("/device/modem")
    assert "1 &lt;b&gt;Jour&lt;/b&gt; 2 Mois" in page.html.select_one("#orders > .said").decode()
    assert "choice" in form_of(page, "menu").fields
    modem.menu_is_open = False  # the network has ended it
    replace(ModemStatus.read() or READY, open_menu=0).publish()
    page = keeper.get("/device/modem")
    assert not any("menu" in form.fields for form in page.forms.values())


def test_the_page_that_is_opened_again_has_the_form_for_the_menu_of_a_code(
    keeper: Phone, modem: Modem
) -> None:
    form = form_of(keeper.get("/device/modem"), "code")
    form["code"] = "*100#"
    form.submit()
    page = keeper.get("/device/modem")
    assert "The network waits for a choice from its menu." in page.text
    form = form_of(page, "menu")
    form["code"] = "2"
    assert "Active" in form.submit().text
    assert modem.sent == ["*100#", "2"]


def test_a_wrong_pin_that_comes_again_by_a_reload_costs_one_try(
    keeper: Phone, modem: Modem
) -> None:
    modem.state = ModemState.PIN
    replace(ModemStatus.read() or READY, state=ModemState.PIN).publish()
    form = form_of(keeper.get("/device/modem"), "pin")
    form["pin"] = "9999"
    for _ in range(3):
        assert "Tries left: 2." in form.submit(status=409).text
    assert modem.sent == ["9999"]


def test_on_a_full_card_the_page_tells_what_came_of_an_order(
    village: Village, keeper: Phone, modem: Modem, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = orders._keep

    def only_the_first(order: Order) -> None:
        monkeypatch.setattr(orders, "_keep", no_room)
        noted(order)

    def no_room(_: Order) -> Never:
        raise OSError(28, "No space left on device")

    shop.keep(NETWORK, Shop(offers=(WEEK, MENU)))
    page = keeper.get("/device/modem")
    village.fill_up(monkeypatch)
    monkeypatch.setattr(orders, "_keep", only_the_first)
    modem.answers = [Answer("Active", is_menu=False)] * 2
    form = form_of(page.click("Offres"))
    for _ in range(2):
        assert "Active" in form.submit().text
    assert modem.sent == ["*111#"]


def test_on_a_full_card_what_the_network_answers_is_shown(
    village: Village, keeper: Phone, modem: Modem, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(keeper.get("/device/modem"), "code")
    form["code"] = "*100#"
    village.fill_up(monkeypatch)
    assert "1 &lt;b&gt;Jour&lt;/b&gt; 2 Mois" in form.submit().text
    assert modem.sent == ["*100#"]


def test_an_offer_that_is_gone_is_not_shown(keeper: Phone) -> None:
    assert "has changed" in keeper.get("/device/modem/order?offer=x").text


def test_without_a_card_nothing_can_be_ordered(keeper: Phone) -> None:
    replace(READY, imsi="").publish()
    assert "when there is a SIM card" in keeper.get("/device/modem").text
    assert "there is none now" in keeper.get("/device/modem/shop").text


@pytest.mark.usefixtures("modem")
def test_a_keeper_notes_changes_and_removes_a_bundle(village: Village, keeper: Phone) -> None:
    def own() -> tuple[Offer, ...]:
        return shop.own_of(NETWORK).offers

    def first() -> WebForm:
        return form_of(keeper.get("/device/modem/shop"), "name")

    form = first()
    fill(form, name="1 GB", send="NET1", to="1122", price="2 USD", volume="1 GB")
    form.submit()
    form.submit()
    assert own() == (Offer("1 GB", Form("NET1", "1122"), "2 USD", "1 GB"),)
    form = first()
    form["price"] = "3 USD"
    form.submit()
    assert [each.price for each in own()] == ["3 USD"]
    first().submit("remove", value="1")
    assert own() == ()
    assert sum(act.action == "shop" for act in audit.acts(village.store)) == 4


@pytest.mark.usefixtures("modem")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "send": "*1#"}, "give it a name"),
        ({"name": "x", "send": "*1"}, "begins with * or #"),
        ({"name": "x", "send": "é", "to": "1122"}, "without accents"),
        ({"name": "x", "send": "Mbote", "to": "081000"}, ""),
        ({"name": "x", "send": "Mbote", "to": "a"}, "short numbers"),
        ({"name": "x" * 41, "send": "*1#"}, "At most 40 characters."),
        ({"name": "1\u202e GB", "send": "*1#"}, "cannot be seen"),
        ({"name": "x", "send": "*1#", "price": "\u200e2 USD"}, "cannot be seen"),
    ],
)
def test_what_cannot_be_noted_is_said_at_its_field(
    keeper: Phone, fields: dict[str, str], said: str
) -> None:
    page = keeper.get("/device/modem/shop")
    form = form_of(page, "name")
    fill(form, **fields)
    answer = form.submit(expect_errors=True).maybe_follow()
    assert said in answer.text
    assert bool(shop.own_of(NETWORK).offers) == (not said)


def test_a_form_without_its_fields_is_one_with_empty_ones(keeper: Phone) -> None:
    answer = keeper.post("/device/modem/shop", 422, network=NETWORK, what="offer")
    assert "give it a name" in answer.text


@pytest.mark.usefixtures("modem")
def test_a_keeper_notes_how_a_voucher_is_sent(keeper: Phone) -> None:
    page = keeper.get("/device/modem/shop")
    form = next(f for f in page.forms.values() if "name" not in f.fields and "send" in f.fields)
    form["send"] = "*123*#"
    assert "Please write VOUCHER" in form.submit(status=422).text
    form["send"] = "*123*voucher#"
    form.submit()
    assert shop.own_of(NETWORK).top_up == Form("*123*{voucher}#")
    assert "*123*VOUCHER#" in keeper.get("/device/modem/shop").text


def test_an_order_that_was_cut_short_is_shown_as_unknown(keeper: Phone) -> None:
    class CutModem(Modem):
        def ask_network(self, code: str) -> Answer:
            raise KeyboardInterrupt(code)

    counter = Counter()
    with pytest.raises(KeyboardInterrupt):
        counter.carry_out(counter.next_number, "Offres", MENU.form, CutModem())
    assert "Nobody knows what came of it." in keeper.get("/device/modem").text
