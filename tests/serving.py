# SPDX-License-Identifier: Apache-2.0
"""Servers of the standard library's, for as long as a test needs one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Serve in a thread while the block lasts, then close the server."""
    # What it says is how long an end takes; by default half a second.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
