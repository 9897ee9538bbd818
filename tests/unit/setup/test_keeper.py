# SPDX-License-Identifier: Apache-2.0
"""A keeper who has forgotten everything, and the card in a laptop."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.mailbox.administration import audit, villagers
from mokanda_firmware.mailbox.people import accounts
from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.setup import keeper
from tests.device_folders import make_folders
from tests.ready_made.mail_store import write_mail_store


@pytest.fixture(autouse=True)
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The SETUP partition."""
    make_folders(tmp_path, monkeypatch)
    monkeypatch.setattr(accounts, "_COST_LOG2", 4)
    return tmp_path / "setup"


@pytest.fixture
def store() -> Iterator[Store]:
    write_mail_store(paths.mail_database())
    store = Store.of_device()
    yield store
    store.close()


@pytest.fixture
def awa(store: Store) -> Account:
    """The keeper."""
    return accounts.register(store, "awa", "Awa", "forgotten", "fr")


def ask(card: Path, content: bytes = b"", name: str = keeper.NAME) -> str:
    """Put the file on the card, start the device, and read what is there afterwards."""
    (card / name).write_bytes(content)
    keeper.answer()
    return (card / name).read_bytes().decode("utf-8", "replace")


def code_in(text: str) -> str:
    found = re.search(r"code for awa: (\S+)", text)
    assert found is not None
    return found[1]


@pytest.mark.usefixtures("awa")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \r\n",
        b"awa",
        b"Awa@boende.example.org\r\n",
        "awa".encode("utf-16"),
        b"\xef\xbb\xbfawa",
    ],
)
def test_the_only_keeper_gets_a_code_that_opens_the_account_once(
    card: Path, store: Store, content: bytes
) -> None:
    code = code_in(ask(card, content))
    assert accounts.recover(store, "awa", code, "a new password") is not None
    assert accounts.authenticate(store, "awa", "a new password") is not None
    assert accounts.recover(store, "awa", code, "another password") is None


@pytest.mark.usefixtures("awa")
def test_an_answer_stays_as_it_is_and_so_does_its_code(card: Path, store: Store) -> None:
    told = ask(card)
    keeper.answer()
    assert (card / keeper.NAME).read_bytes().decode() == told
    assert accounts.recover(store, "awa", code_in(told), "a new password") is not None


@pytest.mark.usefixtures("awa")
def test_the_old_password_goes_on_until_the_code_is_used(card: Path, store: Store) -> None:
    ask(card)
    assert accounts.authenticate(store, "awa", "forgotten") is not None


def test_of_several_keepers_one_has_to_be_named(card: Path, store: Store, awa: Account) -> None:
    ben = accounts.register(store, "ben", "Ben", "his password", "fr")
    villagers.set_role(store, awa, ben.id, "keeper")
    assert "The keepers are: awa, ben." in ask(card)
    assert code_in(ask(card, b"awa"))


@pytest.mark.usefixtures("awa")
def test_the_card_opens_no_account_but_a_keepers(card: Path, store: Store) -> None:
    accounts.register(store, "ben", "Ben", "his password", "fr")
    assert "Nobody of this name is a keeper" in ask(card, b"ben")


def test_a_device_without_a_keeper_says_what_to_do(card: Path) -> None:
    assert "whoever registers first" in ask(card)


@pytest.mark.usefixtures("awa")
def test_it_is_written_down_for_the_keepers(card: Path, store: Store) -> None:
    ask(card)
    assert [(act.action, act.subject) for act in audit.acts(store)] == [("card-code", "awa")]


@pytest.mark.usefixtures("awa")
def test_a_name_that_an_editor_changed_is_found(card: Path) -> None:
    assert code_in(ask(card, name="Mokanda-Keeper.txt.txt"))


@pytest.mark.usefixtures("awa")
def test_a_file_that_is_none_of_this_is_left_alone(card: Path, store: Store) -> None:
    for content in (b"x" * 3000, b"\xff\xfe\xd8", b"\x80\x81"):
        ask(card, content)
        assert (card / keeper.NAME).read_bytes() == content
    assert audit.acts(store) == []


def test_a_store_that_cannot_be_opened_is_told(card: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "mail.db").write_bytes(b"no database" * 100)
    told = ask(card)
    assert "The letters and accounts on this device cannot be opened" in told
    code = re.search(r"A code: (\S+)", told)
    assert code is not None
    assert keeper.is_code(code[1].upper().replace("-", " "))
    assert not keeper.is_code("abcd-efgh-jkmn")
    assert list(card.glob("*.new")) == []


def test_no_code_opens_a_device_that_gave_none() -> None:
    assert not keeper.is_code("")
    paths.keeper_code().write_text("not a hash")
    assert not keeper.is_code("")


def test_a_card_without_the_file_is_left_alone(card: Path) -> None:
    keeper.answer()
    assert list(card.iterdir()) == []
