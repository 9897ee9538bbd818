# SPDX-License-Identifier: Apache-2.0
"""Starts a daemon of the device whenever it is asked for something, as systemd does by its socket.

`python -m scripts.local.on_request NAME COMMAND...`
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys

from mokanda_firmware import paths

_INHERITED = 3  # of sd_listen_fds(3)


def main() -> None:
    """Serve until a signal comes; it ends the daemon, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # `run` kills what it waits for
    name, *command = sys.argv[1:]
    place = paths.requests(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(place))
        listener.listen()
        os.dup2(listener.fileno(), _INHERITED)
        while True:
            select.select([listener], [], [])
            # LISTEN_PID is the new process's own.
            start = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *command]
            subprocess.run(start, pass_fds=[_INHERITED], check=False)


if __name__ == "__main__":
    main()
