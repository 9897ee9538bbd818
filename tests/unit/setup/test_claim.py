# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.store.database import Store, StoreLost
from mokanda_firmware.setup import claim, result
from mokanda_firmware.uplink import identity
from mokanda_firmware.uplink.identity import Answer, Outcome
from mokanda_wire import claimfile, protocol
from tests.device_folders import make_folders
from tests.statuses import published

GOOD = claimfile.ClaimFile(
    relay="https://relay.example",
    code="ABCD-EFGH-JKLM",
    device="bolenge",
    domain="bolenge.example",
    relay_fingerprint="0123456789ABCDEF0123456789ABCDEF01234567",
)
OTHER = claimfile.ClaimFile(
    relay="https://other.example",
    code="NPQR-STUV-WXYZ",
    device="ikela",
    domain="ikela.example",
    relay_fingerprint="89ABCDEF0123456789ABCDEF0123456789ABCDEF",
)


@pytest.fixture(autouse=True)
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The SETUP partition."""
    make_folders(tmp_path, monkeypatch)
    return tmp_path / "setup"


def put(card: Path, content: str | bytes, name: str = claimfile.NAME) -> None:
    data = content.encode() if isinstance(content, str) else content
    (card / name).write_bytes(data)


def set_up() -> SetupStatus:
    current = claim.publish_state(claim.import_from_card())
    result.write(current)
    return current


def answer(claim_file: claimfile.ClaimFile, answer: Answer, reason: str = "") -> None:
    """What the courier notes of the relay's answer."""
    names = (claim_file.code, claim_file.device, claim_file.domain)
    identity.write_outcome(Outcome(answer, *names, "0" * 40, reason))


def told(card: Path) -> str:
    return (card / "mokanda-result.txt").read_bytes().decode()


def test_without_a_claim_file_the_card_says_where_to_put_one(card: Path) -> None:
    assert set_up().state is SetupState.NO_CLAIM
    assert "Copy the file mokanda-claim.toml" in told(card)


def test_a_claim_is_imported_and_waits_for_its_relay(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    assert claimfile.read(paths.claim().read_text()) == GOOD
    status = published(SetupStatus)
    assert status.state is SetupState.CLAIM_PENDING
    assert (status.village, status.domain) == ("bolenge", "bolenge.example")
    assert "The claim file has been read." in told(card)


def test_what_the_relay_answered_makes_it_claimed(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    answer(GOOD, Answer.CLAIMED)
    assert set_up().state is SetupState.CLAIMED
    assert "Mail addresses: ...@bolenge.example" in told(card)


def test_what_the_relay_refused_is_told(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    answer(GOOD, Answer.REFUSED, protocol.CLAIM_USED)
    assert set_up().state is SetupState.CLAIM_ERROR
    assert "This claim code was used by another device" in told(card)


def test_a_refusal_that_an_earlier_version_has_kept_is_one_still(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    answer(GOOD, Answer.REFUSED)
    kept = json.loads(paths.claim_result().read_text())
    del kept["reason"]
    paths.claim_result().write_text(json.dumps({**kept, "detail": "The code was used."}))
    assert set_up().state is SetupState.CLAIM_ERROR
    assert "The relay has refused this claim." in told(card)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe rubbish",
        claimfile.write(GOOD)[:150].encode(),
        claimfile.write(GOOD).replace("ABCD", "????").encode(),
        b"x" * (claimfile.MAX_SIZE + 1),
    ],
)
def test_a_damaged_file_is_told_and_imports_nothing(card: Path, content: bytes) -> None:
    put(card, content)
    current = set_up()
    assert current.state is SetupState.CLAIM_ERROR
    assert str(current.detail).endswith((".", "again."))
    assert str(current.detail) in told(card)
    assert not paths.claim().exists()


def test_a_damaged_file_does_not_take_a_claim_away(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    answer(GOOD, Answer.CLAIMED)
    put(card, "rubbish")
    current = set_up()
    assert current.state is SetupState.CLAIMED
    assert "was not used" in str(current.detail)
    assert claimfile.read(paths.claim().read_text()) == GOOD


def test_a_card_without_the_file_does_not_take_a_claim_away(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    (card / claimfile.NAME).unlink()
    assert set_up().state is SetupState.CLAIM_PENDING


def test_a_sound_file_with_another_code_replaces_the_claim(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    answer(GOOD, Answer.CLAIMED)
    put(card, claimfile.write(OTHER))
    assert set_up().state is SetupState.CLAIM_PENDING
    assert claimfile.read(paths.claim().read_text()) == OTHER


@pytest.mark.parametrize("name", ["mokanda-claim (1).toml", "mokanda-claim.toml.txt"])
def test_a_file_that_a_browser_or_editor_renamed_is_found(card: Path, name: str) -> None:
    put(card, claimfile.write(GOOD), name)
    assert set_up().state is SetupState.CLAIM_PENDING


def test_a_file_that_an_editor_saved_as_utf_16_is_read(card: Path) -> None:
    put(card, claimfile.write(GOOD).encode("utf-16"))
    assert set_up().state is SetupState.CLAIM_PENDING


def test_a_card_that_cannot_be_written_hurts_nobody(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    (card / "mokanda.new").mkdir()
    assert set_up().state is SetupState.CLAIM_PENDING


def test_the_card_is_written_only_when_there_is_news(card: Path) -> None:
    set_up()
    before = (card / "mokanda-result.txt").stat().st_ino
    set_up()
    assert (card / "mokanda-result.txt").stat().st_ino == before


def test_a_claim_that_the_keeper_gives_replaces_the_one_of_the_card_for_good(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    claim.replace_by(claimfile.write(OTHER))
    assert set_up().state is SetupState.CLAIM_PENDING
    assert (
        str(set_up().detail)
        == "The device will claim itself at https://other.example as soon as it can connect."
    )
    assert claimfile.read(paths.claim().read_text()) == OTHER


def test_the_keeper_may_go_back_to_a_former_claim(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    claim.replace_by(claimfile.write(OTHER))
    claim.replace_by(claimfile.write(GOOD))
    set_up()
    assert claimfile.read(paths.claim().read_text()) == GOOD


def test_an_unsound_claim_that_the_keeper_gives_changes_nothing(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    with pytest.raises(claimfile.ClaimFileError):
        claim.replace_by("rubbish")
    assert claimfile.read(paths.claim().read_text()) == GOOD


def test_a_claim_that_is_there_before_the_mail_store_leaves_a_new_device_new(card: Path) -> None:
    put(card, claimfile.write(GOOD))
    set_up()
    Store.of_device().close()
    paths.mail_database().unlink()
    put(card, claimfile.write(OTHER))
    set_up()
    with pytest.raises(StoreLost):
        Store.of_device()
