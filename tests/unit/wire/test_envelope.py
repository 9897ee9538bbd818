# SPDX-License-Identifier: Apache-2.0
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mokanda_wire import envelope, gnupg_home
from mokanda_wire.envelope import MAX_SIGNED, EnvelopeError, Keyring, KeyringError, verify_with
from scripts.tools.deadlines import wait_until

NewKeyring = Callable[[str], Keyring]
Pair = tuple[Keyring, str, Keyring, str]


@pytest.fixture
def new_keyring() -> Iterator[NewKeyring]:
    """Makes keyrings in a short path: their agent's socket must fit a socket's name."""
    root = Path(tempfile.mkdtemp(prefix="mokanda-"))
    keyrings: list[Keyring] = []

    def new(name: str) -> Keyring:
        keyrings.append(Keyring(root / name))
        return keyrings[-1]

    yield new
    for keyring in keyrings:
        keyring.close()
    shutil.rmtree(root, ignore_errors=True)  # an agent that ends takes its sockets away


@pytest.fixture
def pair(new_keyring: NewKeyring) -> Pair:
    """A device's and a relay's keyring that know each other, and the two fingerprints."""
    device, relay = new_keyring("device"), new_keyring("relay")
    device_key, relay_key = device.create_key("kimpese"), relay.create_key("relay")
    assert device.import_key(relay.export_key(relay_key)) == relay_key
    assert relay.import_key(device.export_key(device_key)) == device_key
    return device, device_key, relay, relay_key


def test_what_a_device_seals_its_relay_opens(pair: Pair) -> None:
    device, device_key, relay, relay_key = pair
    sealed = device.seal(b"a bundle", relay_key, device_key)
    assert b"a bundle" not in sealed
    assert relay.open(sealed, device_key) == b"a bundle"


def test_an_envelope_adds_less_than_300_bytes(pair: Pair) -> None:
    device, device_key, _, relay_key = pair
    assert len(device.seal(bytes(10_000), relay_key, device_key)) < 10_300


def test_the_machines_clock_does_not_matter(pair: Pair) -> None:
    device, device_key, _, _ = pair
    key = device._gpg.list_keys(keys=device_key)[0]
    assert datetime.fromtimestamp(int(key["date"]), UTC).year == 2000
    assert not key["expires"]
    packets = subprocess.run(
        ["gpg", "--list-packets"],
        input=device.sign(b"x", device_key),
        capture_output=True,
        check=True,
    )
    made = re.search(rb"version 4, created (\d+)", packets.stdout)
    assert made
    assert datetime.fromtimestamp(int(made[1]), UTC).year == 2001


def test_a_key_that_seems_to_be_from_the_future_is_believed(
    pair: Pair, new_keyring: NewKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, relay, relay_key = pair
    monkeypatch.setattr(envelope, "_KEY", envelope._KEY.replace("20000101", "20500101"))
    late = new_keyring("late")
    late_key = late.create_key("late")
    assert int(late._gpg.list_keys(keys=late_key)[0]["date"]) > datetime.now(UTC).timestamp()
    late.import_key(relay.export_key(relay_key))
    relay.import_key(late.export_key(late_key))
    assert relay.open(late.seal(b"Mbote", relay_key, late_key), late_key) == b"Mbote"
    assert late.open(relay.seal(b"Mbote", late_key, relay_key), relay_key) == b"Mbote"


def test_one_flipped_bit_is_noticed(pair: Pair) -> None:
    device, device_key, relay, relay_key = pair
    sealed = device.seal(b"a bundle", relay_key, device_key)
    for position in range(0, len(sealed), 37):
        damaged = bytearray(sealed)
        damaged[position] ^= 1
        with pytest.raises(EnvelopeError):
            relay.open(bytes(damaged), device_key)


def test_a_truncated_envelope_is_noticed(pair: Pair) -> None:
    device, device_key, relay, relay_key = pair
    sealed = device.seal(b"a bundle", relay_key, device_key)
    for end in range(0, len(sealed), 41):
        with pytest.raises(EnvelopeError):
            relay.open(sealed[:end], device_key)


def test_only_the_expected_signer_is_believed(pair: Pair, new_keyring: NewKeyring) -> None:
    _, device_key, relay, relay_key = pair
    other = new_keyring("other")
    other_key = other.create_key("other")
    other.import_key(relay.export_key(relay_key))
    relay.import_key(other.export_key(other_key))
    forged = other.seal(b"not from kimpese", relay_key, other_key)
    with pytest.raises(EnvelopeError, match=other_key):
        relay.open(forged, device_key)


def test_what_is_encrypted_but_not_signed_is_refused(pair: Pair) -> None:
    device, device_key, relay, relay_key = pair
    unsigned = device._gpg.encrypt(b"who wrote this?", relay_key, armor=False).data
    with pytest.raises(EnvelopeError, match="signature"):
        relay.open(unsigned, device_key)


def test_what_is_signed_but_not_encrypted_is_no_envelope(pair: Pair) -> None:
    device, device_key, relay, _ = pair
    with pytest.raises(EnvelopeError):
        relay.open(device.sign(b"in the clear", device_key), device_key)


def test_an_envelope_for_somebody_else_is_refused(pair: Pair, new_keyring: NewKeyring) -> None:
    device, device_key, _, relay_key = pair
    stranger = new_keyring("stranger")
    stranger.create_key("stranger")
    stranger.import_key(device.export_key(device_key))
    with pytest.raises(EnvelopeError, match="cannot be opened"):
        stranger.open(device.seal(b"secret", relay_key, device_key), device_key)


def test_a_signed_request_is_verified(pair: Pair) -> None:
    device, device_key, relay, relay_key = pair
    signed = device.sign(b"hello", device_key)
    assert relay.verify(signed, device_key) == b"hello"
    with pytest.raises(EnvelopeError):
        relay.verify(signed, relay_key)
    with pytest.raises(EnvelopeError):
        relay.verify(b"hello", device_key)


def test_a_strangers_request_is_verified_with_the_key_beside_it(pair: Pair) -> None:
    device, device_key, _, relay_key = pair
    signed = device.sign(b"claim", device_key)
    assert verify_with(device.export_key(device_key), signed) == (device_key, b"claim")
    with pytest.raises(EnvelopeError):
        verify_with(device.export_key(relay_key), signed)
    with pytest.raises(EnvelopeError):
        verify_with(b"no key", signed)


@pytest.fixture
def compressing(new_keyring: NewKeyring, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    """A keyring that compresses what it seals and signs, as none of ours does."""
    options = [each for each in envelope._OPTIONS if not each.startswith("--compress")]
    with monkeypatch.context() as patched:
        patched.setattr(envelope, "_OPTIONS", [*options, "--compress-algo=zlib"])
        keyring = new_keyring("bomber")
        keyring.create_key("bomber")
    return keyring


def test_a_request_that_is_compressed_is_refused_before_it_is_opened(
    pair: Pair, compressing: Keyring
) -> None:
    key = compressing.own_key("bomber")
    bomb = compressing.sign(bytes(5_000_000), key)
    assert len(bomb) < MAX_SIGNED
    with pytest.raises(EnvelopeError, match="simple"):
        pair[2].verify(bomb, key)
    with pytest.raises(EnvelopeError, match="simple"):
        verify_with(compressing.export_key(key), bomb)
    with pytest.raises(EnvelopeError, match="simple"):
        verify_with(bomb, bomb)


def test_a_long_request_is_refused(pair: Pair) -> None:
    _, _, relay, key = pair
    with pytest.raises(EnvelopeError, match="too long"):
        relay.verify(relay.sign(bytes(MAX_SIGNED), key), key)


def test_more_than_went_into_an_envelope_does_not_come_out(
    pair: Pair, compressing: Keyring
) -> None:
    _, _, relay, own = pair
    key = compressing.own_key("bomber")
    relay.import_key(compressing.export_key(key))
    compressing.import_key(relay.export_key(own))
    bomb = compressing.seal(bytes(5_000_000), own, key)
    assert len(bomb) < 20_000
    with pytest.raises(EnvelopeError):
        relay.open(bomb, key)


def test_a_key_is_on_the_disk_when_it_is_there(
    new_keyring: NewKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = new_keyring("relay")
    synced = set()
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.add(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    monkeypatch.setattr("mokanda_wire.durable.os.fsync", note)
    keyring.own_key("a new one")
    home = keyring._home.resolve()
    secrets = home / "private-keys-v1.d"
    wanted = {home, home / "pubring.kbx", secrets, *secrets.glob("*.key")}
    assert len(wanted) == 5
    assert wanted <= synced
    synced.clear()
    keyring.own_key("a new one")  # made by a try that was cut
    assert wanted <= synced


def test_two_keys_at_once_are_not_taken(pair: Pair, new_keyring: NewKeyring) -> None:
    device, device_key, _, relay_key = pair
    with pytest.raises(EnvelopeError, match="2 came"):
        new_keyring("third").import_key(
            device.export_key(device_key) + device.export_key(relay_key)
        )


def test_that_our_own_keys_are_out_of_reach_is_no_fault_of_an_envelope(pair: Pair) -> None:
    device, device_key, relay, relay_key = pair
    sealed = device.seal(b"Mbote", relay_key, device_key)
    relay._gpg.options.append("--agent-program=/bin/false")
    relay._gpg.options.append("--no-autostart")
    command = ["gpgconf", "--homedir", str(relay._home), "--kill", "all"]
    subprocess.run(command, check=True)
    with pytest.raises(KeyringError):
        relay.open(sealed, device_key)


def test_that_gnupg_ends_early_is_no_fault_of_an_envelope(pair: Pair) -> None:
    device, device_key, relay, relay_key = pair
    sealed = relay.seal(bytes(1_000_000), device_key, relay_key)
    device._gpg.gpgbinary = "false"  # as when the machine has no memory or disk left for it
    with pytest.raises(KeyringError):
        device.seal(bytes(1_000_000), relay_key, device_key)
    with pytest.raises(KeyringError):
        device.open(sealed, relay_key)


def test_an_agent_that_starts_slowly_is_waited_for(pair: Pair, tmp_path: Path) -> None:
    device, device_key, relay, relay_key = pair
    first = tmp_path / "first"
    gpg = tmp_path / "gpg"
    gpg.write_text(
        f'#!/bin/sh\nmkdir {first} 2>/dev/null || exec gpg "$@"\n'
        "cat >/dev/null; echo 'gpg: signing failed: No secret key' >&2; exit 2\n"
    )
    gpg.chmod(0o755)
    device._gpg.gpgbinary = str(gpg)
    sealed = device.seal(b"mbote", relay_key, device_key)
    assert first.exists()
    assert relay.open(sealed, device_key) == b"mbote"


def test_a_keyring_that_is_not_used_runs_nothing(
    new_keyring: NewKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    new_keyring("idle").close()


def test_no_agent_outlives_its_keyring(new_keyring: NewKeyring) -> None:
    keyring = new_keyring("short")
    keyring.sign(b"x", keyring.create_key("short"))
    keyring.close()
    home = str(keyring._home)
    deadline = time.monotonic() + 20  # it ends when it has answered
    while running := _agents_of(home):
        assert time.monotonic() < deadline, running
        time.sleep(0.05)


def _agents_of(home: str) -> list[str]:
    commands = [_command_line(process) for process in Path("/proc").glob("[0-9]*")]
    return [command for command in commands if home in command and "gpg-agent" in command]


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


def leave_lock(home: Path, name: str, content: str = "") -> None:
    """What a power cut leaves of a lock of GnuPG's."""
    (home / f"{name}.lock").write_text(content)


def lock_of(process: int, host: str) -> str:
    """What GnuPG writes into a lock (dotlock.c in its source)."""
    return f"{process:10d}\n{host}\n"


@pytest.mark.parametrize(
    "content",
    ["", lock_of(1, socket.gethostname()), lock_of(4_000_000, "another-host")],
    ids=["empty", "of a process that is another one by now", "of another host"],
)
@pytest.mark.parametrize("name", ["gnupg_spawn_agent_sentinel", "pubring.kbx", "trustdb.gpg"])
def test_locks_that_a_power_cut_left_are_nobodys(
    new_keyring: NewKeyring, name: str, content: str
) -> None:
    keyring, other = new_keyring("device"), new_keyring("relay")
    key, relay_key = keyring.create_key("kimpese"), other.create_key("relay")
    exported = other.export_key(relay_key)
    keyring.close()
    leave_lock(keyring._home, name, content)
    assert keyring.import_key(exported) == relay_key
    assert keyring.verify(keyring.sign(b"hello", key), key) == b"hello"


def test_the_lock_of_somebody_at_work_is_waited_for_but_not_for_ever(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, _, relay, relay_key = pair
    exported = relay.export_key(relay_key)
    leave_lock(device._home, "pubring.kbx", lock_of(os.getpid(), socket.gethostname()))
    monkeypatch.setattr(gnupg_home, "TIMEOUT", 2.0)
    with (
        Keyring(device._home) as second,  # while the first is not closed
        pytest.raises(KeyringError, match="took over 2 s to import_keys"),
    ):
        second.import_key(exported)


def test_what_is_sealed_to_a_key_that_was_deleted_is_closed(pair: Pair) -> None:
    device, key, relay, relay_key = pair
    sealed = device.seal(b"mail", relay_key, key)
    another = relay.create_key("another")
    assert relay.open(sealed, key, another) == b"mail"
    for _ in range(2):  # a power cut may have it done again
        relay.delete_secret_key(relay_key)
    with pytest.raises(EnvelopeError):
        relay.open(sealed, key)


def test_who_leaves_first_takes_the_agent_from_nobody(pair: Pair) -> None:
    device, key, _, _ = pair
    device.sign(b"hello", key)
    agents = agents_of(device._home)
    with Keyring(device._home) as second:
        second.sign(b"hello", key)
    assert agents_of(device._home) == agents != []
    device.close()
    wait_until(lambda: not agents_of(device._home), "the agent's end", seconds=20)


def agents_of(home: Path) -> list[str]:
    """The processes of agents of this home, by number."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_text().split("\0")
            if words[0].endswith("gpg-agent") and str(home) in words:
                found.append(process.name)
    return sorted(found)
