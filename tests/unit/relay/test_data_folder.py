# SPDX-License-Identifier: Apache-2.0
"""A data folder without a relay, with one, with a part of one, and with one half begun."""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from mokanda_relay.__main__ import main
from mokanda_relay.relay import open_relay
from mokanda_relay.store.data_folder import DataFolderError
from mokanda_relay.store.database import Database
from mokanda_relay.store.settings import Settings, read_settings
from mokanda_wire.envelope import Keyring
from tests.crash_points import crashes
from tests.ready_made.files import files_of
from tests.ready_made.relay import write_relay
from tests.relay_served import BOTH_EMPTY_DATABASES

pytest_plugins = ("tests.relay_fixtures",)

SERVE = ["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"]
COMMANDS = [SERVE, ["device", "list"], ["device", "add", "kitenge"], ["webhooks"], ["move", "list"]]
Refused = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a relay."""
    write_relay(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs a command that is refused and changes nothing; returns what it says."""
    monkeypatch.setenv("MOKANDA_RELAY_URL", "https://relay.example.org:8443")
    monkeypatch.setenv("MOKANDA_RELAY_DOMAIN", "villages.example")
    monkeypatch.delenv("MOKANDA_RELAY_DATABASE", raising=False)

    def refused(data: Path, *command: str) -> str:
        before = files_of(data)
        assert main([*command, "--data", str(data)]) == 1
        assert files_of(data) == before
        told = capsys.readouterr().err
        assert "Traceback" not in told
        return told

    return refused


def settings_of(data: Path, database: str = "") -> Settings:
    return read_settings({"MOKANDA_RELAY_DATABASE": database}, data)


def open_and_close(settings: Settings, *, begin: bool = False) -> str:
    """Open a relay, and tell its key's fingerprint."""
    relay = open_relay(settings, begin=begin)
    relay.database.close()
    relay.keyring.close()
    return relay.fingerprint


class TestNone:
    @pytest.mark.parametrize("command", COMMANDS[1:])
    def test_no_command_but_serve_begins_a_relay(
        self, tmp_path: Path, refused: Refused, command: list[str]
    ) -> None:
        told = refused(tmp_path / "nowhere", *command)
        assert "there is no relay in" in told
        assert "mokanda-relay serve" in told
        assert not (tmp_path / "nowhere").exists()

    @pytest.mark.parametrize("found", ["lost+found", "operator-password", "inbound-secret"])
    def test_what_an_operator_or_a_disk_has_put_there_is_no_relay(
        self, tmp_path: Path, found: str
    ) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / found).write_text("canoe")
        assert open_and_close(settings_of(tmp_path / "data"), begin=True)


class TestWhole:
    def test_it_is_the_same_relay_at_the_next_start(self, tmp_path: Path) -> None:
        settings = settings_of(tmp_path / "data")
        first = open_and_close(settings, begin=True)
        assert open_and_close(settings, begin=True) == first
        assert open_and_close(settings) == first

    @pytest.mark.parametrize(
        "lost", ["originals", "bundles", "uploads", "readings", "renditions", "releases"]
    )
    def test_an_empty_folder_that_a_copy_has_left_out_is_made(self, data: Path, lost: str) -> None:
        shutil.rmtree(data / lost, ignore_errors=True)
        assert open_and_close(settings_of(data))
        assert (data / lost).is_dir()


class TestPart:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_says_what_is_missing_and_what_to_do(
        self, data: Path, refused: Refused, command: list[str]
    ) -> None:
        (data / "relay.db").unlink()
        told = refused(data, *command)
        assert f"sqlite:///{data}/relay.db" in told
        assert "MOKANDA_RELAY_DATABASE" in told
        assert "docs/operator.md" in told
        assert "begin anew" in told

    def test_an_empty_database_is_a_lost_one(self, data: Path, refused: Refused) -> None:
        (data / "relay.db").write_bytes(b"")
        assert "relay.db" in refused(data, *SERVE)

    def test_the_log_of_a_lost_database_stays(self, data: Path, refused: Refused) -> None:
        (data / "relay.db").unlink()
        (data / "relay.db-wal").write_bytes(b"the last commits")
        refused(data, *SERVE)

    @pytest.mark.parametrize(
        "lost",
        [
            "fingerprint",
            "keys/pubring.kbx",
            "keys/private-keys-v1.d",
            "tls/key.pem",
            "tls/certificate.pem",
        ],
    )
    def test_a_lost_file_is_named(self, data: Path, refused: Refused, lost: str) -> None:
        path = data / lost
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert str(path) in refused(data, *SERVE)

    @pytest.mark.parametrize("lost", ["keys", "tls"])
    def test_a_lost_folder_is_named(self, data: Path, refused: Refused, lost: str) -> None:
        shutil.rmtree(data / lost)
        assert str(data / lost) in refused(data, *SERVE)

    @pytest.mark.parametrize("left", ["relay.db", "keys", "tls", "fingerprint", "originals"])
    def test_what_is_left_alone_is_no_new_relay(
        self, data: Path, refused: Refused, left: str
    ) -> None:
        (data / "originals").mkdir(exist_ok=True)
        for path in data.iterdir():
            if path.name != left:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (data / ".lock").touch()
        assert "is missing" in refused(data, *SERVE)

    @BOTH_EMPTY_DATABASES
    def test_a_database_elsewhere_without_tables_is_a_lost_one(
        self, data: Path, empty_database_url: str
    ) -> None:
        with pytest.raises(DataFolderError, match="all tables of the database"):
            open_relay(settings_of(data, empty_database_url), begin=True)

    @BOTH_EMPTY_DATABASES
    def test_a_database_elsewhere_has_a_data_folder(
        self, tmp_path: Path, empty_database_url: str
    ) -> None:
        Database(empty_database_url).close()
        with pytest.raises(DataFolderError, match="fingerprint"):
            open_relay(settings_of(tmp_path / "data", empty_database_url), begin=True)

    @pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
    def test_a_password_of_the_database_is_not_told(
        self, data: Path, empty_database_url: str
    ) -> None:
        url = empty_database_url.replace("postgres@", "postgres:canoe@")
        with pytest.raises(DataFolderError) as caught:
            open_relay(settings_of(data, url))
        assert "canoe" not in str(caught.value)


class TestHalfBegun:
    def test_the_first_start_goes_on_after_a_power_cut_at_any_step(
        self, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Up to the last step there is no relay yet, whatever is there of it."""

        def copy_key(keyring: Keyring, _name: str) -> str:  # GnuPG would take its time at each step
            shutil.copytree(data / "keys", keyring._home, dirs_exist_ok=True)
            return (data / "fingerprint").read_text()

        monkeypatch.setattr(Keyring, "create_key", copy_key)
        for step in count(1):
            settings = settings_of(tmp_path / str(step))
            if not crashes(step, functools.partial(open_and_close, settings, begin=True)):
                break
            with contextlib.suppress(DataFolderError):
                open_and_close(settings)
            assert open_and_close(settings, begin=True) == open_and_close(settings)
        assert step > 10

    def test_the_first_start_goes_on_after_a_full_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        settings = settings_of(tmp_path / "data")
        with monkeypatch.context() as patched:
            patched.setattr("mokanda_relay.relay.ensure_certificate", full)
            with pytest.raises(DataFolderError, match="No space left"):
                open_relay(settings, begin=True)
        with pytest.raises(DataFolderError, match="there is no relay"):
            open_relay(settings)
        assert open_and_close(settings, begin=True) == open_and_close(settings)
