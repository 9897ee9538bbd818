# SPDX-License-Identifier: Apache-2.0
"""Text messages: from the SIM card's bytes to what the keeper reads."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.modem import messages
from mokanda_firmware.modem.at import pdu
from mokanda_firmware.modem.messages import Part
from tests.stand_ins.messages import SENT, delivered


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))


def add(*digits: str) -> None:
    messages.add([pdu.decode(bytes.fromhex(each)) for each in digits])


def test_a_message_of_another_phones_is_read() -> None:
    # Of the collection of examples that goes with many modems.
    said = pdu.decode(
        bytes.fromhex(
            "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07"
        )
    )
    assert (said.sender, said.text) == ("+31641600986", "How are you?")
    assert said.sent == datetime(2002, 8, 26, 19, 37, 41, tzinfo=UTC)


@pytest.mark.parametrize("text", ["Solde: 2.50 USD", "x" * 160, "Баланс 5", "Crédit épuisé 😀", ""])
@pytest.mark.parametrize("sender", ["+243810000000", "1234", "Vodacom", "A"])
def test_what_a_network_delivers_is_read(text: str, sender: str) -> None:
    said = pdu.decode(bytes.fromhex(delivered(text, sender)))
    assert (said.sender, said.text, said.sent) == (sender, text, SENT)


@pytest.mark.parametrize("texts", [("first ", "second ", "third"), ("один ", "два")])
def test_parts_come_together_in_whatever_order(texts: tuple[str, ...]) -> None:
    total = len(texts)
    for number in reversed(range(total)):
        add(delivered(texts[number], part=(7, total, number + 1)))
    assert [each.text for each in messages.read()] == ["".join(texts)]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Solde \u202eDSU 5\u202c", "Solde DSU 5"),
        ("\u2066Voda\u2069\u200bcom\0\x1b[2J", "Vodacom[2J"),
        ("1\u00a0250 FC\r\nMerci\r", "1 250 FC\nMerci\n"),
        ("Crédit 😀 \u0660", "Crédit 😀 \u0660"),
    ],
)
def test_nothing_turns_the_writing_round(text: str, seen: str) -> None:
    assert messages.visible(text) == seen


def test_a_part_that_is_missing_is_an_ellipsis() -> None:
    add(delivered("begin ", part=(7, 3, 1)), delivered(" end", part=(7, 3, 3)))
    assert messages.read()[0].text == "begin … end"


def notice(sent: datetime | None, *texts: str) -> list[Part]:
    """Return the parts of a message, all with the reference 7, which come a second apart."""
    return [
        Part("Vodacom", sent and sent + timedelta(seconds=at), text, 7, len(texts), at + 1)
        for at, text in enumerate(texts)
    ]


@pytest.mark.parametrize("end", ["active: 500 Mo", "epuise."])
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_reference_that_is_used_again_is_of_another_message(end: str, missing: int) -> None:
    first = notice(SENT, "Votre forfait est ", "active: 500 Mo")
    messages.add(first[:missing])
    again = notice(SENT + timedelta(hours=1), "Votre forfait est ", end)
    assert [each.text for each in messages.add(again)] == [f"Votre forfait est {end}"]
    assert len(messages.read()) == (2 if missing else 1)


@pytest.mark.parametrize("sent", [SENT, None])
def test_parts_that_come_again_are_no_new_message(sent: datetime | None) -> None:
    parts = notice(sent, "Votre forfait est ", "epuise.")
    messages.add(parts)
    assert messages.add(parts) == []


def test_the_same_message_twice_is_one() -> None:
    add(delivered("hello"), delivered("hello"))
    add(delivered("hello"))
    assert len(messages.read()) == 1


def test_the_newest_comes_first_and_a_storm_is_bounded() -> None:
    for number in range(messages.MOST_KEPT + 20):
        add(delivered(f"message {number}"))
    kept = messages.read()
    assert len(kept) == messages.MOST_KEPT
    assert kept[0].text == f"message {messages.MOST_KEPT + 19}"


def test_a_flood_from_a_phone_leaves_the_networks_messages() -> None:
    messages.add([Part("Vodacom", None, "2.50 USD", of_network=True)])
    messages.add([Part("+243810000000", None, f"{at}") for at in range(messages.MOST_KEPT + 1)])
    assert messages.read()[-1].text == "2.50 USD"
    assert len(messages.read()) == messages.MOST_KEPT + 1


def test_a_storm_of_long_messages_pushes_out_the_oldest_alone() -> None:
    for number in range(messages.MOST_KEPT):
        messages.add([Part("1234", None, "Δ" * 153, number, 20, at + 1) for at in range(20)])
    kept = messages.read()
    assert len(kept) > 10
    assert kept[0].reference == messages.MOST_KEPT - 1


@pytest.mark.parametrize("sender", ["Airtel", "AIRTEL-CD", "131", "4425", "airtel cd"])
def test_a_networks_name_and_short_numbers_are_the_networks(sender: str) -> None:
    assert messages.is_of_network(sender, ["Airtel", "airtel CD"])


@pytest.mark.parametrize(
    "sender",
    [
        "+243810000000",
        "0810000000",
        "2438100",
        "",
        "Vodacom",
        "PROMO",
        "+131",
        "1",
        "12a4",
        "MyAirtel",
    ],
)
def test_phones_and_other_names_are_not(sender: str) -> None:
    assert not messages.is_of_network(sender, ["Airtel", ""])


@pytest.mark.parametrize(
    ("sender", "is_under"),
    [("VODACOM", True), ("131", True), ("VodacomPromo", False), ("+131", False), ("4040", False)],
)
def test_a_name_is_the_whole_of_it(sender: str, *, is_under: bool) -> None:
    assert messages.is_under(sender, ["Vodacom", "", "131"]) is is_under


def test_only_what_is_new_is_told() -> None:
    part = Part("131", None, "2.50 USD")
    assert [each.text for each in messages.add([part, part])] == ["2.50 USD"]
    assert messages.add([part]) == []


@given(st.binary(max_size=200))
def test_noise_is_no_message_or_a_bounded_one(data: bytes) -> None:
    try:
        said = pdu.decode(data)
    except ValueError:
        return
    assert len(said.text) <= 400
    assert 1 <= said.number <= said.total <= 255


@given(st.binary(max_size=200))
def test_a_damaged_folder_is_an_empty_one(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("data")
        patch.setenv("MOKANDA_DATA", str(folder))
        (folder / "messages.json").write_bytes(noise)
        assert messages.read() == []
