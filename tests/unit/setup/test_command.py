# SPDX-License-Identifier: Apache-2.0
"""The command as systemd runs it: at the start, and at a request by the socket it holds."""

import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from mokanda_firmware import paths, status


@pytest.fixture(autouse=True)
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data", "run", "setup"):
        (tmp_path / name).mkdir(mode=0o770)
        monkeypatch.setenv(f"MOKANDA_{name.upper()}", str(tmp_path / name))


def test_a_start_tells_how_the_claim_is() -> None:
    subprocess.run([sys.executable, "-m", "mokanda_firmware.setup"], check=True)
    assert status.read("setup")["state"] == "no_claim"


def test_a_request_starts_it_and_is_answered() -> None:
    paths.requests("setup").parent.mkdir()
    replies: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(paths.requests("setup")))
        listener.listen()
        asker = threading.Thread(target=lambda: replies.append(status.request("setup", "import")))
        asker.start()
        # As systemd does: the socket is descriptor 3, and LISTEN_PID is the new process's own.
        command = (
            f"exec 3<&{listener.fileno()};"
            f" LISTEN_PID=$$ LISTEN_FDS=1 exec {sys.executable} -m mokanda_firmware.setup"
        )
        subprocess.run(["bash", "-c", command], check=True, pass_fds=[listener.fileno()])
        asker.join(10)
    assert [reply["state"] for reply in replies] == ["no_claim"]
