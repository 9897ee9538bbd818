# SPDX-License-Identifier: Apache-2.0
"""The folders of a device of its own, for a test."""

from pathlib import Path

import pytest


def make_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a device's data, /run and SETUP partition in a folder, and have our code use them."""
    for name in ("data", "run", "setup"):
        (folder / name).mkdir()
        monkeypatch.setenv(f"MOKANDA_{name.upper()}", str(folder / name))
