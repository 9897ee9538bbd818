# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that does to connections what mobile networks do: cuts, delays, slowness."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_ABRUPTLY = struct.pack("ii", 1, 0)  # of SO_LINGER: close with a reset
_CHUNK = 1400  # about what fits into a packet


@dataclass(frozen=True)
class Plan:
    """What happens to one connection; byte counts are those of TCP's payload, TLS and all.

    `up` is from the client to the server. `rate` is in bytes a second in each direction, 0 for
    no limit; `delay` is that of each direction in seconds, and is paid twice to connect.
    """

    cut_after_up: int | None = None
    cut_after_down: int | None = None
    refuse: bool = False
    abrupt: bool = True
    rate: float = 0
    delay: float = 0


class FaultyLink:
    """Stands between a client and the server at `target`; `plans` are used up in turn.

    Attributes:
        plans: for the connections to come; then `default` is used.
        carried: bytes up and down, over all connections.
        round_trips: how often somebody had to wait for an answer, TCP's own included.
        cuts: how many connections were cut or refused.
    """

    def __init__(self, target: tuple[str, int], default: Plan = Plan()) -> None:
        self._target = target
        self.default = default
        self.plans: deque[Plan] = deque()
        self.connections = 0
        self.cuts = 0
        self.carried = [0, 0]
        self.round_trips = 0
        self._flows: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    @classmethod
    def before(cls, url: str) -> Self:
        """One that stands before the server at an address with host and port."""
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        return cls((parts.hostname, parts.port))

    @property
    def port(self) -> int:
        """Where to connect."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        with contextlib.suppress(OSError):  # wakes the thread that accepts
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._closing:
                client.close()
                return
            plan = self.plans.popleft() if self.plans else self.default
            self.connections += 1
            if plan.refuse:
                self.cuts += 1
                _close(client, abrupt=True)
                continue
            flow = threading.Thread(target=self._carry, args=(client, plan), daemon=True)
            flow.start()
            self._flows = [each for each in self._flows if each.is_alive()] + [flow]

    def rest(self) -> None:
        """Wait until all is carried, and counted."""
        for flow in self._flows:
            flow.join(20)

    def _carry(self, client: socket.socket, plan: Plan) -> None:
        time.sleep(2 * plan.delay)
        try:
            server = socket.create_connection(self._target, timeout=10)
        except OSError:
            _close(client, abrupt=True)
            return
        with _Flow(client, server, plan, self.carried) as flow:
            try:
                flow.run()
            finally:
                self.cuts += flow.cut
                self.round_trips += 1 + flow.answers


class _Flow:
    """One connection's bytes, in both directions, by one thread."""

    def __init__(
        self, client: socket.socket, server: socket.socket, plan: Plan, carried: list[int]
    ) -> None:
        self._ends = (client, server)
        self._plan = plan
        self._carried = carried
        self._left = [plan.cut_after_up, plan.cut_after_down]
        self._free_at = [0.0, 0.0]  # when each direction has sent what it was given
        self._queues: tuple[deque[tuple[float, bytes]], ...] = (deque(), deque())
        self._open = [True, True]
        self._last = 1  # the way of the last bytes
        self.answers = 0  # how often the way turned from up to down
        self.cut = False
        for end in self._ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for end in self._ends:
            _close(end, abrupt=self._plan.abrupt and self.cut)

    def run(self) -> None:
        """Carry until both ends have finished, or the plan cuts."""
        with contextlib.suppress(OSError):
            while any(self._open) or any(self._queues):
                if not self._deliver():
                    return
                # What is on its way holds back what comes: a link's buffer is not endless.
                wanted = [
                    self._ends[way]
                    for way in (0, 1)
                    if self._open[way] and len(self._queues[way]) < 16
                ]
                for end in select.select(wanted, [], [], self._timeout())[0]:
                    self._take(self._ends.index(end))

    def _timeout(self) -> float | None:
        due = min((queue[0][0] for queue in self._queues if queue), default=None)
        return None if due is None else max(0.0, due - time.monotonic())

    def _take(self, way: int) -> None:
        data = self._ends[way].recv(_CHUNK)
        now = time.monotonic()
        if not data:
            self._open[way] = False
        elif way != self._last:
            self._last = way
            self.answers += way
        start = max(now, self._free_at[way])
        self._free_at[way] = start + (len(data) / self._plan.rate if self._plan.rate else 0)
        self._queues[way].append((self._free_at[way] + self._plan.delay, data))

    def _deliver(self) -> bool:
        """Pass on what is due; False when the plan cuts."""
        for way, queue in enumerate(self._queues):
            while queue and queue[0][0] <= time.monotonic():
                data = queue.popleft()[1]
                if not data:
                    self._ends[1 - way].shutdown(socket.SHUT_WR)
                    continue
                left = self._left[way]
                if left is not None:
                    data, self._left[way] = data[:left], left - len(data[:left])
                self._ends[1 - way].sendall(data)
                self._carried[way] += len(data)
                if self._left[way] == 0:
                    self.cut = True
                    return False
        return True


def _close(end: socket.socket, *, abrupt: bool) -> None:
    with contextlib.suppress(OSError):
        if abrupt:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)
        end.close()
