# SPDX-License-Identifier: Apache-2.0
"""How a status comes into the folder of statuses, which may have no room left.

The folder is in memory, and others may fill that. The file that is there already has room: if need
be it is written anew where it is. If even that fails it is taken away, for it says what is no
longer true, and a thread tries again until it is there.
"""

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

AGAIN: Final = 5.0  # seconds until the next try

_log = logging.getLogger(__name__)
_lock = threading.Lock()  # of what follows, and of the files, for the threads of this process
_waiting: dict[Path, bytes] = {}


def publish(path: Path, status: Mapping[str, object]) -> None:
    """Replace a file by this, as JSON; whoever reads it meanwhile has the old one, or none."""
    content = json.dumps(status).encode()
    with _lock:
        try:
            _write(path, content)
        except OSError as error:
            if path not in _waiting:
                _log.warning("%s cannot be written, and is tried again: %s", path, error)
            if not _waiting:
                threading.Thread(target=_try_again, name="publishing", daemon=True).start()
            _waiting[path] = content
        else:
            _waiting.pop(path, None)


def _try_again() -> None:
    while True:
        time.sleep(AGAIN)
        with _lock:
            for path, content in list(_waiting.items()):
                with contextlib.suppress(OSError):
                    _write(path, content)
                    _log.info("%s is written", path)
                    del _waiting[path]
            if not _waiting:
                return


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}")
    try:
        try:
            temporary.write_bytes(content)
        except OSError:
            temporary.unlink(missing_ok=True)
            path.rename(temporary)  # nobody shall read half of it
            with temporary.open("r+b") as file:
                file.write(content)
                file.truncate()
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
