# SPDX-License-Identifier: Apache-2.0
"""Which interface a socket watches; what follows is in tests/integration/test_lost_link.py."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from mokanda_firmware.uplink import interface, reach


@pytest.mark.parametrize("by", ["lo", None])
def test_it_is_the_one_by_which_it_goes(by: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if by is not None:  # another stick has the same address
        monkeypatch.setattr(interface, "name_of", lambda _: "enxother")
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        plain, _ = reach.connect("127.0.0.1", listener.getsockname()[1], by, 20)
        with plain:
            assert plain.way is not None
            assert plain.way._interface.name == "lo"
    assert plain.way.fileno() is None
