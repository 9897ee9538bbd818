# SPDX-License-Identifier: Apache-2.0
"""The command `mokanda-relay`, as an operator types it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from mokanda_relay.__main__ import main
from mokanda_relay.store.clock import now
from mokanda_relay.store.database import Database
from mokanda_relay.store.tables import Card
from mokanda_wire import claimfile
from scripts.tools.deadlines import wait_until
from tests.ready_made.relay import write_relay
from tests.relay_process import RelayProcess

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command on the data of a relay of its own: exit code, output, errors."""
    write_relay(tmp_path / "data")
    monkeypatch.setenv("MOKANDA_RELAY_URL", "https://relay.example.org:8443")
    monkeypatch.setenv("MOKANDA_RELAY_DOMAIN", "villages.example")
    monkeypatch.delenv("MOKANDA_INBOUND_SECRET", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--data", str(tmp_path / "data")])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


class TestDeviceAdd:
    def test_it_prints_a_claim_file(self, run: Run) -> None:
        code, text, _ = run("device", "add", "kitenge")
        assert code == 0
        claim = claimfile.read(text)
        assert (claim.device, claim.domain) == ("kitenge", "kitenge.villages.example")
        assert claim.relay == "https://relay.example.org:8443"
        assert "BEGIN CERTIFICATE" in claim.certificate

    def test_it_writes_it_to_a_file_and_says_where_that_belongs(
        self, run: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "mokanda-claim.toml"
        code, text, told = run(
            *("device", "add", "kitenge", "--domain", "Mail.Kitenge.CD", "--output", str(file))
        )
        assert (code, text) == (0, "")
        assert "SETUP" in told
        assert claimfile.read(file.read_text()).domain == "mail.kitenge.cd"

    def test_it_says_what_the_domain_needs_in_dns(self, run: Run) -> None:
        _, claim, told = run("device", "add", "kitenge")
        assert claimfile.read(claim).device == "kitenge"
        assert run("device", "dns", "kitenge")[1] in told

    def test_it_leaves_no_agent_of_gnupg_behind(self, run: Run, tmp_path: Path) -> None:
        run("device", "add", "kitenge")
        run("device", "list")
        wait_until(lambda: not _agents_of(tmp_path), "the agent's end", seconds=20)

    def test_behind_a_proxy_with_a_public_certificate_none_is_pinned(self, run: Run) -> None:
        _, text, _ = run("device", "add", "kitenge", "--public-certificate")
        assert claimfile.read(text).certificate == ""

    def test_a_name_or_domain_that_is_taken_is_refused_with_advice(self, run: Run) -> None:
        run("device", "add", "kitenge")
        for again in (["kitenge"], ["other", "--domain", "kitenge.villages.example"]):
            code, _, told = run("device", "add", *again)
            assert code == 1
            assert "device renew" in told

    @pytest.mark.parametrize("name", ["Kitenge", "kitenge village", "a-", "a_b", "é"])
    def test_a_name_that_is_none_is_refused(self, run: Run, name: str) -> None:
        code, _, told = run("device", "add", name)
        assert code == 1
        assert "lower-case" in told

    @pytest.mark.parametrize("domain", ["village", "a b.example", "-.example"])
    def test_a_domain_that_is_none_is_refused(self, run: Run, domain: str) -> None:
        code, _, told = run("device", "add", "kitenge", f"--domain={domain}")
        assert code == 1
        assert "mail domain" in told

    @pytest.mark.parametrize("variable", ["MOKANDA_RELAY_URL", "MOKANDA_RELAY_DOMAIN"])
    def test_a_missing_setting_is_named(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        monkeypatch.delenv(variable)
        code, _, told = run("device", "add", "kitenge")
        assert code == 1
        assert variable in told

    def test_a_file_that_cannot_be_written_is_no_dead_end(self, run: Run, tmp_path: Path) -> None:
        code, _, told = run("device", "add", "kitenge", "--output", str(tmp_path / "no" / "file"))
        assert code == 1
        assert "device renew kitenge" in told
        assert run("device", "renew", "kitenge")[0] == 0


class TestOtherDeviceCommands:
    def test_list_shows_each_device(self, run: Run) -> None:
        run("device", "add", "kitenge")
        code, text, _ = run("device", "list")
        assert code == 0
        header, line = text.splitlines()
        assert header.split()[0] == "NAME"
        assert line.split()[:4] == ["kitenge", "kitenge.villages.example", "no", "never"]

    def test_renew_gives_another_code(self, run: Run) -> None:
        _, first, _ = run("device", "add", "kitenge")
        _, second, _ = run("device", "renew", "kitenge")
        assert claimfile.read(first).code != claimfile.read(second).code

    def test_renew_says_that_it_has_renewed(self, run: Run, tmp_path: Path) -> None:
        run("device", "add", "kitenge")
        for file in (tmp_path / "mokanda-claim.toml", tmp_path / "no" / "file"):
            told = run("device", "renew", "kitenge", "--output", str(file))[2]
            assert "is renewed" in told
            assert "added" not in told

    def test_remove_asks_first(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        run("device", "add", "kitenge")
        for answer, left in (("\n", 2), ("no\n", 2), ("kitenge\n", 1)):
            monkeypatch.setattr("sys.stdin", io.StringIO(answer))
            _, _, told = run("device", "remove", "kitenge")
            assert "cannot be undone" in told
            assert len(run("device", "list")[1].splitlines()) == left

    def test_remove_takes_yes_for_an_answer(self, run: Run) -> None:
        run("device", "add", "kitenge")
        assert run("device", "remove", "kitenge", "--yes")[0] == 0

    @pytest.mark.parametrize("command", ["renew", "remove", "dns"])
    def test_a_device_that_is_not_there_is_named(self, run: Run, command: str) -> None:
        code, _, told = run("device", command, "nowhere")
        assert code == 1
        assert "nowhere" in told


class TestDeviceDns:
    def test_it_prints_lines_for_a_zone_file(self, run: Run) -> None:
        run("device", "add", "kitenge")
        code, text, _ = run("device", "dns", "kitenge")
        assert code == 0
        records = [line for line in text.splitlines() if not line.startswith(";")]
        assert records == [
            "kitenge.villages.example. 3600 IN MX 10 mx.sendgrid.net.",
            '_dmarc.kitenge.villages.example. 3600 IN TXT "v=DMARC1; p=none;"',
        ]

    def test_what_only_sendgrid_knows_is_a_comment_that_says_where_to_find_it(
        self, run: Run
    ) -> None:
        run("device", "add", "kitenge")
        comments = [
            line for line in run("device", "dns", "kitenge")[1].splitlines() if line[0] == ";"
        ]
        assert "Sender Authentication" in " ".join(comments)
        assert max(map(len, comments)) <= 80


class TestReleases:
    def test_an_update_is_added_and_listed(self, run: Run, tmp_path: Path) -> None:
        update = tmp_path / "update.raucb"
        update.write_bytes(b"update")
        code, text, _ = run(
            *("release", "add", str(update), "--version", "0.2.0", "--board", "orangepi-zero")
        )
        assert (code, text.split(":")[0]) == (0, "orangepi-zero-0.2.0.raucb")
        header, line = run("release", "list")[1].splitlines()
        assert header.startswith("NAME                       OFFERED         FOR NOW  RUNS ON")
        assert line.startswith("orangepi-zero-0.2.0.raucb  10 % of stable  0        0")

    def test_it_is_widened_held_and_withdrawn(self, run: Run, tmp_path: Path) -> None:
        update = tmp_path / "update.raucb"
        update.write_bytes(b"update")
        name = "orangepi-zero-0.2.0.raucb"
        new = ("--version", "0.2.0", "--board", "orangepi-zero", "--channel", "candidate")
        assert (
            f"{name}: candidate; now for 0 devices" in run("release", "add", str(update), *new)[1]
        )
        for command, says in (
            (("set", name, "--channel", "stable"), "10 % of stable"),
            (("set", name, "--share", "50"), "50 % of stable"),
            (("hold", name), "held"),
            (("go-on", name), "50 % of stable"),
            (("withdraw", name), "withdrawn"),
        ):
            assert run("release", *command) == (0, f"{name}: {says}; now for 0 devices\n", "")
        assert f"{name} is withdrawn: by the operator" in run("release", "list")[1]

    def test_a_release_that_is_not_there_is_named(self, run: Run) -> None:
        code, _, told = run("release", "hold", "none.raucb")
        assert code == 1
        assert "release list" in told

    def test_a_file_that_is_not_there_is_named(self, run: Run) -> None:
        code, _, told = run("release", "add", "/no/file", "--version", "1", "--board", "b")
        assert code == 1
        assert "/no/file" in told


class TestTheRest:
    def test_webhooks_prints_the_paths_the_same_each_time(self, run: Run) -> None:
        first, second = run("webhooks"), run("webhooks")
        assert first == second
        assert "/inbound/" in first[1]
        assert "/events" in first[1]

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("MOKANDA_RELAY_URL", "http://relay.example.org"),
            ("MOKANDA_RELAY_URL", "relay.example.org"),
            ("SENDGRID_HOST", "api.sendgrid.com"),
            ("MOKANDA_RELAY_DATABASE", "nonsense"),
        ],
    )
    def test_a_setting_that_makes_no_sense_is_named(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
    ) -> None:
        monkeypatch.setenv(variable, value)
        code, _, told = run("device", "list")
        assert code == 1
        assert value in told

    @pytest.mark.parametrize("listen", ["8443", ":", "host:port", "host:99999"])
    def test_an_address_that_is_none_is_named(self, run: Run, listen: str) -> None:
        code, _, told = run("serve", "--listen", listen)
        assert code == 1
        assert repr(listen) in told

    def test_a_data_folder_that_is_a_file_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "data").write_text("")
        assert main(["device", "list", "--data", str(tmp_path / "data")]) == 1
        assert str(tmp_path / "data") in capsys.readouterr().err

    def test_the_keys_are_nobody_elses(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        with RelayProcess(data, {"MOKANDA_INBOUND_SECRET": ""}) as process:
            process.start()
        for secret in ("tls/key.pem", "inbound-secret", "relay.db"):
            assert (data / secret).stat().st_mode & 0o077 == 0
        assert data.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize(
        "command", [[], ["serve"], ["device", "add"], ["device", "dns"], ["release", "add"]]
    )
    def test_help_is_there(self, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
        with pytest.raises(SystemExit) as left:
            main([*command, "--help"])
        assert left.value.code == 0
        assert "usage: mokanda-relay" in capsys.readouterr().out


class TestDeviceSet:
    def test_it_shows_and_changes_how_large_things_may_be(self, run: Run) -> None:
        run("device", "add", "kitenge")
        shown = run("device", "set", "kitenge")
        assert shown[:2] == (
            0,
            "kitenge: photos JPEG, 1024 pixels, 25.0 KB; files 100 KB; updates: stable\n",
        )
        limits = ("--photo-side", "640", "--photo-kb", "12", "--file-kb", "0")
        assert "640 pixels, 12.0 KB; files 0 B" in run("device", "set", "kitenge", *limits)[1]
        assert "640 pixels" in run("device", "set", "kitenge")[1]

    def test_it_chooses_which_updates_a_device_is_offered(self, run: Run) -> None:
        run("device", "add", "kitenge")
        shown = run("device", "set", "kitenge", "--channel", "candidate")[1]
        assert shown.endswith("updates: candidate\n")
        shown = run("device", "set", "kitenge", "--pin", "1.2.0")[1]
        assert shown.endswith("updates: 1.2.0 alone\n")
        shown = run("device", "set", "kitenge", "--pin", "none")[1]
        assert shown.endswith("updates: candidate\n")

    @pytest.mark.parametrize("option", ["--photo-kb=4", "--photo-side=many", "--file-kb=-1"])
    def test_what_makes_no_sense_is_refused(self, run: Run, option: str) -> None:
        run("device", "add", "kitenge")
        with pytest.raises(SystemExit):
            run("device", "set", "kitenge", option)

    def test_a_device_that_is_not_there_is_named(self, run: Run) -> None:
        code, _, error = run("device", "set", "kitenge")
        assert code == 1
        assert "no device 'kitenge'" in error


class TestDeviceCards:
    def test_it_shows_which_cards_call_and_has_another_one_served(
        self, run: Run, tmp_path: Path
    ) -> None:
        run("device", "add", "kitenge")
        assert run("device", "cards", "kitenge")[1] == "kitenge: only one card calls\n"
        database = Database(f"sqlite:///{tmp_path}/data/relay.db")
        with contextlib.closing(database), database.transaction() as session:
            copy = _card(b"copy", served=True)
            copy.address, copy.villagers, copy.applied_down = "192.0.2.7", 12, 305
            session.add_all([_card(b"first", refused=now()), copy])
        head, served, refused = run("device", "cards", "kitenge")[1].splitlines()
        assert head.startswith("CARD  SERVED")
        assert "192.0.2.7  12         305" in served
        assert (served.split()[:2], refused.split()[:2]) == (["2", "yes"], ["1", "no"])
        assert run("device", "cards", "kitenge", "--serve", "1")[0] == 0
        assert run("device", "cards", "kitenge")[1] == "kitenge: only one card calls\n"

    def test_a_card_that_is_not_there_is_named(self, run: Run) -> None:
        run("device", "add", "kitenge")
        code, _, error = run("device", "cards", "kitenge", "--serve", "7")
        assert code == 1
        assert "no card 7" in error


def _card(given: bytes, *, served: bool = False, refused: datetime | None = None) -> Card:
    return Card(
        device_id=1,
        given=given,
        given_before=b"",
        served=served,
        since=now(),
        called=now(),
        refused=refused,
        version="0.1.0",
    )


def _agents_of(folder: Path) -> list[str]:
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(process.read_text())
    return [line for line in lines if "gpg-agent" in line and str(folder) in line]
