# SPDX-License-Identifier: Apache-2.0
"""What is ordered from the network, once, and what the keeper notes of what it sells."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware import paths
from mokanda_firmware.bus.requests import RequestError
from mokanda_firmware.modem import orders, shop
from mokanda_firmware.modem.at import pdu
from mokanda_firmware.modem.backend import Answer, SendError
from mokanda_firmware.modem.networks import Form, Offer
from mokanda_firmware.modem.orders import Counter
from mokanda_firmware.modem.settings import SettingsError
from mokanda_firmware.modem.shop import Shop
from mokanda_wire import durable

CODE, MESSAGE = Form("*123#"), Form("NET1", "1122")
WEEK = Offer("1 GB", MESSAGE, "2 USD")


class Modem:
    def __init__(self, trouble: SendError | None = None) -> None:
        self.sent: list[str] = []
        self.trouble = trouble

    def ask_network(self, code: str) -> Answer:
        self.sent.append(code)
        return Answer("Active", is_menu=False)

    def send(self, text: str, number: str) -> None:
        self.sent.append(f"{text} {number}")
        if self.trouble:
            raise self.trouble


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_an_order_is_sent_once_and_told_again(counter: Counter) -> None:
    modem, number = Modem(), counter.next_number
    first = counter.carry_out(number, "1 GB", CODE, modem)
    assert counter.carry_out(number, "1 GB", CODE, modem) == first
    assert (first.text, modem.sent) == ("Active", ["*123#"])
    assert counter.next_number != number


def test_a_number_out_of_turn_orders_nothing(counter: Counter) -> None:
    modem, number = Modem(), counter.next_number
    counter.carry_out(number, "1 GB", CODE, modem)
    for other in (0, 1, number + 1):
        with pytest.raises(RequestError, match="Nobody knows"):
            counter.carry_out(other, "1 GB", CODE, modem)
    assert modem.sent == ["*123#"]


def test_what_is_called_the_same_is_told_apart_by_what_is_sent(counter: Counter) -> None:
    modem, number = Modem(), counter.next_number
    counter.carry_out(number, "…1234", Form("*130*111100001234#"), modem)
    with pytest.raises(RequestError, match="Something else"):
        counter.carry_out(number, "…1234", Form("*130*222200001234#"), modem)
    assert modem.sent == ["*130*111100001234#"]


@pytest.mark.parametrize("damage", ["missing", "empty", "cut off", "zeros"])
def test_an_old_form_orders_nothing_whatever_became_of_the_notes(damage: str) -> None:
    modem, counter = Modem(), Counter()
    number = counter.next_number
    counter.carry_out(number, "1 GB", CODE, modem)
    kept = paths.orders().read_bytes()
    if damage == "missing":
        paths.orders().unlink()
    else:
        damaged = {"empty": b"", "cut off": kept[:-20], "zeros": bytes(100)}[damage]
        paths.orders().write_bytes(damaged)
    for each in (counter, Counter()):  # and after a restart
        with pytest.raises(RequestError, match="Nobody knows"):
            each.carry_out(number, "1 GB", CODE, modem)
    assert modem.sent == ["*123#"]


def test_of_damaged_notes_the_others_are_read(counter: Counter) -> None:
    for name in ("first", "second"):
        counter.carry_out(counter.next_number, name, CODE, Modem())
    second, first = json.loads(paths.orders().read_bytes())
    paths.orders().write_text(json.dumps([second | {"number": "2"}, 5, first]))
    assert [each.name for each in orders.read()] == ["first"]


def test_what_is_not_known_is_not_sent_again(counter: Counter) -> None:
    modem, number = Modem(SendError.unknown()), counter.next_number
    assert counter.carry_out(number, "1 GB", MESSAGE, modem).failed
    assert counter.carry_out(number, "1 GB", MESSAGE, modem).failed
    assert modem.sent == ["NET1 1122"]


def test_on_a_full_disk_nothing_is_sent(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write", full)
    modem = Modem()
    with pytest.raises(RequestError, match="cannot keep"):
        counter.carry_out(counter.next_number, "1 GB", CODE, modem)
    assert modem.sent == []


def test_the_last_orders_are_kept_and_no_number_comes_again(counter: Counter) -> None:
    first = counter.next_number
    for _ in range(orders.MOST_KEPT + 5):
        counter.carry_out(counter.next_number, "1 GB", CODE, Modem())
    assert len(orders.read()) == orders.MOST_KEPT
    with pytest.raises(RequestError):
        counter.carry_out(first, "1 GB", CODE, Modem())


@given(st.binary(max_size=200))
def test_damaged_files_are_empty_ones(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOKANDA_DATA", str(tmp_path_factory.mktemp("data")))
        for path in (paths.orders(), paths.shop()):
            path.write_bytes(noise)
        assert orders.read() == []
        assert shop.own_of("63001") == Shop()


def test_what_the_keeper_notes_goes_before_the_table() -> None:
    mtn = "624010123456789"
    assert shop.of(mtn).top_up == Form("*156*{voucher}#")
    shop.keep("62401", Shop(Form("R {voucher}", "1122"), (WEEK,)))
    known = shop.of(mtn)
    assert known.top_up == Form("R {voucher}", "1122")
    assert known.offers == (WEEK, Offer("", Form("*157#")))
    assert shop.of("630010123456789").offers == ()


def test_what_was_noted_and_cannot_be_sent_is_passed_over() -> None:
    shop.keep("63001", Shop(offers=(WEEK._replace(form=Form("NET", "+243810000000")),)))
    assert shop.own_of("63001") == Shop()


def test_nothing_left_is_nothing_kept() -> None:
    shop.keep("63001", Shop().with_offer(WEEK))
    shop.keep("63001", shop.own_of("63001").without(WEEK))
    assert paths.shop().read_bytes() == b"{}"


def test_the_list_has_an_end() -> None:
    full = Shop(offers=tuple(WEEK._replace(name=f"{at}") for at in range(shop.MOST_OFFERS)))
    with pytest.raises(SettingsError, match="room for 20"):
        full.with_offer(WEEK)
    assert full.with_offer(WEEK, full.offers[3]).offers[3] == WEEK


@pytest.mark.parametrize("send", ["*123*voucher#", "*123*VOUCHER#", "*123*Voucher#"])
def test_a_form_for_vouchers_is_typed_with_the_word(send: str) -> None:
    form = shop.top_up_form(send, "")
    assert form == Form("*123*{voucher}#")
    assert shop.typed(form) == "*123*VOUCHER#"


@pytest.mark.parametrize(
    ("send", "to"), [("*123#", ""), ("VOUCHERVOUCHER", "11"), ("é VOUCHER", "1122"), ("", "1122")]
)
def test_what_is_no_form_for_vouchers(send: str, to: str) -> None:
    with pytest.raises(SettingsError):
        shop.top_up_form(send, to)


def test_a_message_is_packed_as_the_standard_has_it() -> None:
    # Worked out by hand from 23.040, 9.2.2.2, and 23.038, 6.1.2.1.
    assert (
        pdu.submit("hello", "131").hex()
        == "0011000381 31F1 00000B05E8329BFD06".replace(" ", "").lower()
    )


@pytest.mark.parametrize(
    ("text", "number"), [("x" * 161, "11"), ("漢", "11"), ("x", ""), ("x", "+1")]
)
def test_what_is_no_message(text: str, number: str) -> None:
    with pytest.raises(ValueError, match=r"message|alphabet"):
        pdu.submit(text, number)
