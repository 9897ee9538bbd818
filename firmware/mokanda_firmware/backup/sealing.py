# SPDX-License-Identifier: Apache-2.0
"""A passphrase around a stream: GnuPG's symmetric encryption, in memory that does not grow.

AES-256 with its modification check (RFC 4880), by a key that takes 65 million bytes of SHA-512 to
make of the passphrase: some seconds on a board, so that guessing takes for ever.
"""

import logging
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mokanda_firmware.backup.failures import DAMAGED, NO_GNUPG, BackupError
from mokanda_firmware.bus.sentences import Sentence

_COMMAND = [
    "gpg",
    "--batch",
    "--no-tty",
    "--quiet",
    "--no-options",
    "--no-autostart",
    "--no-symkey-cache",
    "--pinentry-mode=loopback",
    "--rfc4880",
    "--cipher-algo=AES256",
    "--digest-algo=SHA512",
    "--s2k-mode=3",
    "--s2k-cipher-algo=AES256",
    "--s2k-digest-algo=SHA512",
    "--s2k-count=65011712",
    "--compress-algo=none",
    "--status-fd=2",
]
_CHUNK = 1 << 16
_MAX_SAID = 500  # characters of what GnuPG says
_log = logging.getLogger(__name__)


@contextmanager
def sealed(file: IO[bytes], passphrase: str) -> Iterator[IO[bytes]]:
    """Take a stream; what is written to it stands, encrypted, in the file when the block ends.

    Raises:
        BackupError: GnuPG does not work.
        OSError: the file cannot be written.
    """
    with _gpg("--symmetric", passphrase, subprocess.PIPE) as (process, said):
        assert process.stdin is not None
        assert process.stdout is not None
        carrier = _Carrier(process.stdout, file)
        try:
            with process.stdin as pipe:
                yield pipe
        except BrokenPipeError:
            pass  # why is said below
        except BaseException:
            process.kill()
            raise
        finally:
            carrier.join()
        if carrier.error is not None:
            raise carrier.error
        if process.wait() != 0:
            _log.error("GnuPG failed: %s", said().strip()[-_MAX_SAID:])
            raise BackupError(NO_GNUPG)


class _Carrier(threading.Thread):
    """Carries what comes out of a pipe into a file; `error` is why it could not."""

    def __init__(self, pipe: IO[bytes], file: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self._file = file
        self.error: OSError | None = None
        self.start()

    def run(self) -> None:
        with self._pipe:
            try:
                shutil.copyfileobj(self._pipe, self._file, _CHUNK)
                self._file.flush()
            except OSError as error:
                self.error = error


@contextmanager
def opened(file: IO[bytes], passphrase: str) -> Iterator[IO[bytes]]:
    """Give what `sealed` encrypted; only when the block has ended is it known to be whole.

    Raises:
        BackupError: the passphrase is wrong, or the file is damaged.
    """
    with _gpg("--decrypt", passphrase, file) as (process, said):
        assert process.stdout is not None
        with process.stdout as pipe:
            try:
                yield pipe
            except BackupError:
                # What GnuPG says goes before what came of it.
                while pipe.read(_CHUNK):
                    pass
                if process.wait() != 0 and "BAD_PASSPHRASE" in said():
                    raise BackupError(WRONG) from None
                raise
            while pipe.read(_CHUNK):
                pass
        if process.wait() != 0 or "DECRYPTION_OKAY" not in said():
            raise BackupError(WRONG if "PLAINTEXT" not in said() else DAMAGED)


WRONG = Sentence("This is not the passphrase of this backup.")


@contextmanager
def _gpg(
    what: str, passphrase: str, stdin: IO[bytes] | int
) -> Iterator[tuple[subprocess.Popen[bytes], "_Said"]]:
    """Run GnuPG in a home of its own, which it needs for nothing."""
    home = Path(tempfile.mkdtemp(prefix="mokanda-backup-"))
    (home / "common.conf").touch()  # else GnuPG 2.4 may want its key daemon
    reader, writer = os.pipe()
    try:
        with tempfile.TemporaryFile() as messages:
            try:
                process = subprocess.Popen(
                    [*_COMMAND, f"--homedir={home}", f"--passphrase-fd={reader}", what],
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=messages,
                    pass_fds=[reader],
                )
            except OSError as error:
                _log.error("GnuPG does not run: %s", error)
                raise BackupError(NO_GNUPG) from error
            os.write(writer, passphrase.encode() + b"\n")
            os.close(writer)
            writer = -1
            try:
                yield process, _Said(messages)
            finally:
                process.kill()
                process.wait()
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
        shutil.rmtree(home, ignore_errors=True)


class _Said:
    """What GnuPG has said so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __call__(self) -> str:
        self._file.seek(0)
        return self._file.read().decode(errors="replace")
