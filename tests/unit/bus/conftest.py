# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where statuses and sockets lie."""
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))
    return tmp_path
