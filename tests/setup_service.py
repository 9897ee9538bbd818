# SPDX-License-Identifier: Apache-2.0
"""The real setup service, started by a request at its socket as systemd starts it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mokanda_firmware import paths


@contextmanager
def setup_service(folder: Path) -> Iterator[Path]:
    """Serve while the block lasts; yield a file with what systemctl was told, a line each."""
    command, told = folder / "bin" / "systemctl", folder / "told"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}
    for place in (paths.requests("setup").parent, paths.data(), paths.setup()):
        place.mkdir(parents=True, exist_ok=True)
    waker, wake = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(paths.requests("setup")))
        listener.listen()
        # The socket is descriptor 3, and LISTEN_PID is the new process's own.
        start = (
            f"exec 3<&{listener.fileno()};"
            f" LISTEN_PID=$$ LISTEN_FDS=1 exec {sys.executable} -m mokanda_firmware.setup"
        )

        def serve() -> None:
            while True:
                readable, _, _ = select.select([listener.fileno(), waker], [], [])
                if waker in readable:
                    return
                with subprocess.Popen(
                    ["bash", "-c", start], pass_fds=[listener.fileno()], env=environment
                ) as service:
                    ended = os.pidfd_open(service.pid)
                    if waker in select.select([ended, waker], [], [])[0]:
                        service.kill()  # it waits for another request
                    os.close(ended)
                assert service.returncode in (0, -signal.SIGKILL)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield told
        finally:
            os.write(wake, b".")
            thread.join()
            os.close(waker)
            os.close(wake)
