# SPDX-License-Identifier: Apache-2.0
"""The envelope: GnuPG signs and encrypts what travels between a device and its relay.

A device has no battery clock, so GnuPG is told that it is always the same moment: keys
begin before it, never end, and no signature comes from the future. When a bundle was made
is said, signed, inside it. Compression is off (the codec has been at work before), and keys
announce only what GnuPG 2.2 and 2.4 both read.
"""

import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from mokanda_wire import durable, gnupg_home, packets
from mokanda_wire.gnupg_home import HomeInUse, TimedGPG

MAX_PLAIN = 80 * 1024 * 1024  # bytes that come out of an envelope at most
# What is signed outside an envelope is short: a hello, a claim, the relay's answers.
MAX_SIGNED = 8 * 1024  # bytes

_BIRTH = "20000101T000000"  # of every key
_NOW = "20010101T000000!"  # the moment that it always is
_OPTIONS = [
    "--batch",
    "--no-tty",
    "--no-options",
    "--no-auto-key-retrieve",
    "--trust-model=always",
    f"--faked-system-time={_NOW}",
    "--ignore-time-conflict",
    "--ignore-valid-from",
    "--cipher-algo=AES256",
    "--digest-algo=SHA256",
    "--compress-level=0",
    "--max-output",
    str(MAX_PLAIN),
]
_KEY = f"""\
%no-protection
Key-Type: eddsa
Key-Curve: ed25519
Key-Usage: sign
Subkey-Type: ecdh
Subkey-Curve: cv25519
Subkey-Usage: encrypt
Preferences: AES256 AES SHA512 SHA256 Uncompressed
Creation-Date: {_BIRTH}
Expire-Date: 0
Name-Real: {{name}}
%commit
"""


class EnvelopeError(Exception):
    """An envelope cannot be made or opened, or is not from whom it should be."""


class KeyringError(Exception):
    """GnuPG does not do its work here; that says nothing of an envelope."""


class Keyring:
    """A GnuPG home of our own. Use it as a context manager: its agent ends with the last of them.

    GnuPG runs only for what needs it: most of what a relay's commands do, and a sync with nothing
    to trade, does not.
    """

    def __init__(self, home: Path) -> None:
        """`home` is made if need be, with mode 0700."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        self._home = home
        self._in_use: HomeInUse | None = None
        # A fresh home of GnuPG 2.4 may prefer its key daemon; a file is all that we need.
        (home / "common.conf").touch()

    @cached_property
    def _gpg(self) -> TimedGPG:
        try:
            self._in_use = HomeInUse(self._home)
            return TimedGPG(gnupghome=str(self._home), options=list(_OPTIONS))
        except (OSError, ValueError) as error:
            self._leave()
            raise KeyringError(f"GnuPG does not run: {error}") from error

    def __enter__(self) -> "Keyring":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the agent that GnuPG leaves running for this home, if nobody else has need of it."""
        if self.__dict__.pop("_gpg", None) is None:
            return
        if self._in_use is None or not self._in_use.is_alone():
            self._leave()
            return
        command = ["gpgconf", "--homedir", str(self._home), "--kill", "all"]
        with suppress(subprocess.TimeoutExpired):  # what hangs then is cleared by who comes next
            subprocess.run(command, check=False, capture_output=True, timeout=30)
        self._leave()

    def _leave(self) -> None:
        if self._in_use is not None:
            self._in_use.close()
        self._in_use = None

    def _run(self, command: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Have GnuPG do something; KeyringError if it ends before it has done it."""
        try:
            result = getattr(self._gpg, command)(*arguments, **options)
        except OSError as error:
            raise KeyringError(f"GnuPG ended early: {error}") from error
        if self._gpg.was_killed():
            limit = f"{gnupg_home.TIMEOUT:.0f} s"
            raise KeyringError(f"GnuPG was ended: it took over {limit} to {command}, or no memory.")
        return result

    def create_key(self, name: str) -> str:
        """Make a key pair (ed25519 to sign, cv25519 to encrypt); return its fingerprint.

        It is on the disk then: GnuPG itself leaves that to the system.
        """
        key = self._run("gen_key", _KEY.format(name=" ".join(name.split())))
        if not key.fingerprint:
            raise KeyringError(f"GnuPG made no key: {_last_line(key)}")
        self._sync()
        return str(key.fingerprint)

    def own_key(self, name: str) -> str:
        """Return the fingerprint of the key pair of this name; make it if need be.

        It is on the disk then, also if it was made by a try that was cut.
        """
        for key in self._run("list_keys", secret=True):
            if name in key["uids"]:
                self._sync()
                return str(key["fingerprint"])
        return self.create_key(name)

    def fingerprint_of(self, data: bytes) -> str:
        """Return the fingerprint of a public key without taking it in."""
        _made_of(packets.A_KEY, data)
        with tempfile.NamedTemporaryFile(dir=self._home) as file:
            file.write(data)
            file.flush()
            scanned = self._run("scan_keys", file.name)
        found = {key["fingerprint"] for key in scanned if key["type"] == "pub"}
        if len(found) != 1:
            raise EnvelopeError(f"One public key was expected, {len(found)} came.")
        return str(found.pop())

    def export_key(self, fingerprint: str) -> bytes:
        """Return the public key, binary."""
        data = self._run("export_keys", fingerprint, armor=False)
        if not data:
            raise EnvelopeError(f"There is no key {fingerprint}.")
        return bytes(data)

    def import_key(self, data: bytes) -> str:
        """Take in one public key, to the disk; return its fingerprint."""
        fingerprint = self._take(data)
        self._sync()
        return fingerprint

    def _take(self, data: bytes) -> str:
        fingerprint = self.fingerprint_of(data)
        result = self._run("import_keys", data)
        if fingerprint not in result.fingerprints:
            raise EnvelopeError(f"GnuPG does not take the key: {_last_line(result)}")
        return fingerprint

    def delete_secret_key(self, fingerprint: str) -> None:
        """Forget the secret half of a key of ours, if it is here."""
        if fingerprint not in self._secret_keys():
            return
        result = self._run("delete_keys", fingerprint, secret=True, expect_passphrase=False)
        if fingerprint in self._secret_keys():
            raise KeyringError(f"GnuPG does not delete the key: {_last_line(result)}")
        self._sync()

    def _sync(self) -> None:
        try:
            durable.sync_tree(self._home)
        except OSError as error:
            raise KeyringError(f"The keys cannot be brought to the disk: {error}") from error

    def _secret_keys(self) -> set[str]:
        return {key["fingerprint"] for key in self._run("list_keys", secret=True)}

    def seal(self, data: bytes, recipient: str, signer: str) -> bytes:
        """Sign with `signer`'s key and encrypt to `recipient`'s; both are fingerprints."""
        options = {"sign": signer, "always_trust": True, "armor": False}
        return self._make("encrypt", data, recipient, **options)

    def open(self, sealed: bytes, *signers: str) -> bytes:
        """Decrypt what was sealed to a key of ours.

        No more comes out than went in: nobody whom we know compresses what the codec has been at.

        Raises:
            EnvelopeError: it is damaged, is not for us, or is not signed by exactly one of
                `signers`.
            KeyringError: GnuPG cannot get at our keys.
        """
        most = ["--max-output", str(min(len(sealed), MAX_PLAIN))]
        result = self._run("decrypt", sealed, always_trust=True, extra_args=most)
        status = _status(result)
        if not result.ok or "DECRYPTION_OKAY" not in status or "GOODMDC" not in status:
            if not self._secret_keys():  # without an agent it tells the same
                raise KeyringError("GnuPG does not get at its keys.")
            raise EnvelopeError(f"The envelope cannot be opened: {_last_line(result)}")
        return _signed_by(signers, result, status)

    def sign(self, data: bytes, signer: str) -> bytes:
        """Wrap the data with a signature (binary, an OpenPGP signed message)."""
        return self._make("sign", data, keyid=signer, clearsign=False, binary=True)

    def verify(self, signed: bytes, signer: str) -> bytes:
        """Return the data that `sign` wrapped.

        Raises:
            EnvelopeError: it is damaged, too long or compressed, or is not signed by exactly
                `signer`.
        """
        _made_of(packets.SIGNED_DATA, signed)
        result = self._run("decrypt", signed, always_trust=True)
        return _signed_by((signer,), result, _status(result))

    def _make(self, command: str, *arguments: Any, **options: Any) -> bytes:  # noqa: ANN401
        """Encrypt or sign, at the second try if need be.

        GnuPG waits 5 s for its agent (SECS_TO_WAIT_FOR_AGENT in its source); where the machine is
        so busy that this is too short, the agent has come up by then.
        """
        for _ in range(2):
            result = self._run(command, *arguments, **options)
            if result.data and getattr(result, "ok", True):
                return bytes(result.data)
        raise KeyringError(f"GnuPG failed: {_last_line(result)}")


def verify_with(public_key: bytes, signed: bytes) -> tuple[str, bytes]:
    """Check what a stranger signed with the key that came along.

    Returns the key's fingerprint and the data. Nothing is kept: whether the stranger is
    welcome is for the caller to say.

    Raises:
        EnvelopeError: the key is not a public key, or the signature is not by it.
    """
    home = Path(tempfile.mkdtemp(prefix="mokanda-"))
    try:
        with Keyring(home) as keyring:
            fingerprint = keyring._take(public_key)  # for no longer than this
            return fingerprint, keyring.verify(signed, fingerprint)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _made_of(kinds: frozenset[int], data: bytes) -> None:
    """Look at what a stranger sends before GnuPG does: short, and no packet in another."""
    try:
        if len(data) > MAX_SIGNED or not set(packets.kinds(data)) <= kinds:
            raise EnvelopeError("This is too long, or not as simple as it should be.")
    except packets.PacketError as error:
        raise EnvelopeError(str(error)) from error


def _status(result: Any) -> dict[str, list[str]]:  # noqa: ANN401 - gnupg is untyped
    """GnuPG's status lines: for each keyword the arguments of its last line, and its count."""
    found: dict[str, list[str]] = {}
    for line in str(result.stderr).splitlines():
        if line.startswith("[GNUPG:] "):
            keyword, _, arguments = line.removeprefix("[GNUPG:] ").partition(" ")
            found.setdefault(keyword, []).append(arguments)
    return found


def _signed_by(
    signers: tuple[str, ...],
    result: Any,  # noqa: ANN401
    status: dict[str, list[str]],
) -> bytes:
    signatures = status.get("VALIDSIG", [])
    bad = {"BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"} & status.keys()
    if len(signatures) != 1 or bad or len(status.get("PLAINTEXT", [])) != 1:
        raise EnvelopeError(f"There is no good signature: {_last_line(result)}")
    signer = signatures[0].split()[-1]
    if signer not in signers:
        raise EnvelopeError(f"It is signed by {signer}, not by {' or '.join(signers)}.")
    return bytes(result.data)


def _last_line(result: Any) -> str:  # noqa: ANN401 - gnupg is untyped
    lines = [line for line in str(result.stderr).splitlines() if line.startswith("gpg: ")]
    return lines[-1].removeprefix("gpg: ") if lines else str(getattr(result, "status", ""))
