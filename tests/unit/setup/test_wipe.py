# SPDX-License-Identifier: Apache-2.0
"""Wiping: by its keeper or by the card, whenever the power goes."""

from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.store import novelty
from mokanda_firmware.setup import claim, result, wifi, wipe
from mokanda_firmware.setup.wifi import Wifi
from mokanda_wire import claimfile
from tests.crash_points import crashes
from tests.device_folders import make_folders

CLAIM = claimfile.ClaimFile(
    relay="https://relay.example",
    code="ABCD-EFGH-JKLM",
    device="bolenge",
    domain="bolenge.example",
    relay_fingerprint="0123456789ABCDEF0123456789ABCDEF01234567",
)


# Which claims are used up, and that a new mail store may be made.
KEPT = {"former-claims.json", "store-anew"}


@pytest.fixture(autouse=True)
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The SETUP partition of a device with mail, a key and a claim from this very card."""
    make_folders(tmp_path, monkeypatch)
    (tmp_path / "setup" / claimfile.NAME).write_text(claimfile.write(CLAIM))
    live()
    return tmp_path / "setup"


def live() -> None:
    """Fill a device."""
    claim.import_from_card()
    wifi.write(Wifi("Boende", "12345678"))
    paths.mail_database().write_bytes(b"letters")
    for folder in (paths.keys() / "private", paths.attachments() / "0a", paths.bundles()):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "file").write_bytes(b"secret")
    if not (paths.keys() / "current").is_symlink():
        (paths.keys() / "current").symlink_to(paths.keys() / "private")


def left() -> set[str]:
    return {path.name for path in paths.data().iterdir()}


def test_nothing_is_wiped_unasked() -> None:
    before = left()
    assert not wipe.wipe()
    assert left() == before


def test_a_wiped_device_keeps_nothing_but_which_claims_are_used_up() -> None:
    wipe.ask()
    assert wipe.wipe()
    assert left() == KEPT
    assert CLAIM.code not in paths.former_claims().read_text()
    assert not wipe.wipe()


def test_data_from_before_a_restore_are_wiped_too() -> None:
    before = paths.restore() / "before-1"
    before.mkdir(parents=True)
    (before / "mail.db").write_bytes(b"letters")
    wipe.ask()
    wipe.wipe()
    assert not paths.restore().exists()


def test_a_wipe_that_is_asked_for_and_cut_anywhere_is_finished_at_the_next_start() -> None:
    for steps in range(1, 100):
        live()
        wipe.ask()
        crashed = crashes(steps, wipe.wipe)
        wipe.wipe()
        assert left() == KEPT
        if not crashed:
            break
    assert steps > 10


def test_a_request_on_the_card_that_is_cut_anywhere_wipes_once(card: Path) -> None:
    for steps in range(1, 100):
        live()
        (card / "mokanda-wipe.txt").touch()
        crashed = crashes(steps, wipe.wipe)
        wipe.wipe()
        assert left() == KEPT
        live()
        assert not wipe.wipe()
        assert (card / "mokanda-is-wiped.txt").exists()
        if not crashed:
            break
    assert steps > 10


@pytest.mark.parametrize("name", ["mokanda-wipe", "Mokanda-Wipe.txt.txt", "mokanda-wipe (1).txt"])
def test_a_request_that_an_editor_renamed_is_found(card: Path, name: str) -> None:
    (card / name).touch()
    assert wipe.wipe()
    assert {path.name for path in card.iterdir()} == {claimfile.NAME, "mokanda-is-wiped.txt"}


def test_a_card_that_cannot_be_written_does_not_wipe_at_each_start(
    card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (card / "mokanda-wipe.txt").touch()
    monkeypatch.setattr(wipe, "_WIPING", "no-such-folder/mokanda-wiping.txt")
    before = left()
    assert not wipe.wipe()
    assert left() == before


def test_a_wiped_device_does_not_claim_itself_with_the_code_that_lies_on_the_card(
    card: Path,
) -> None:
    wipe.ask()
    wipe.wipe()
    state = claim.publish_state(claim.import_from_card())
    result.write(state)
    assert not paths.claim().exists()
    assert state.state is SetupState.CLAIM_ERROR
    assert "was used before this device was wiped" in (card / "mokanda-result.txt").read_text()


def test_a_wiped_device_is_new_though_its_card_still_tells_of_the_claim() -> None:
    result.write(SetupStatus(SetupState.CLAIMED, domain="bolenge.example"))
    wipe.ask()
    wipe.wipe()
    assert novelty.is_new()


def test_a_wiped_device_takes_a_new_claim_from_the_card(card: Path) -> None:
    wipe.ask()
    wipe.wipe()
    new = claimfile.write(CLAIM).replace("ABCD-", "WXYZ-")
    (card / claimfile.NAME).write_text(new)
    assert claim.import_from_card() is None
    assert claimfile.read(paths.claim().read_text()).code == "WXYZ-EFGH-JKLM"
