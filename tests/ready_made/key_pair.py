# SPDX-License-Identifier: Apache-2.0
"""Key pairs of GnuPG's."""

from __future__ import annotations

import functools
from pathlib import Path
from tempfile import TemporaryDirectory

from mokanda_wire.envelope import Keyring
from tests.ready_made.files import Files, files_of, write_files


def write_key_pair(home: Path, name: str) -> str:
    """Put a key pair into a GnuPG home that is not there yet, and return its fingerprint.

    For another name, or a home of another last name, it is another key pair.
    """
    fingerprint, files = _key_pair(home.name, name)
    write_files(files, home)
    return fingerprint


@functools.cache
def _key_pair(home: str, name: str) -> tuple[str, Files]:
    with TemporaryDirectory() as folder:
        with Keyring(Path(folder) / home) as keyring:
            fingerprint = keyring.create_key(name)
        return fingerprint, files_of(Path(folder) / home)
