# SPDX-License-Identifier: Apache-2.0
"""What a slot has to show, played: a webmail, systemd's word on the units, daemons that answer."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.bus.requests import Request, Requests
from mokanda_firmware.bus.sentences import Sentence, SentenceError
from tests.serving import serving

DAEMONS = ("backup", "courier", "modem", "setup", "updates")
COURIER = "mokanda-courier.service"
HOTSPOT = "mokanda-hotspot.service"
UPDATES = "mokanda-updates.service"  # which its socket starts


class Webmail:
    """Answers every page with `status`."""

    def __init__(self) -> None:
        self.status = 200
        webmail = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(webmail.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


class Units:
    """The units of a system in which all is well, and what each of them shows otherwise."""

    def __init__(self, folder: Path) -> None:
        self.places = folder / "units"
        wants = self.places / "multi-user.target.wants"
        wants.mkdir(parents=True)
        for name in (COURIER, "mokanda-healthy.service", "mokanda-updates.socket"):
            (wants / name).symlink_to(f"../{name}")
        self._told = folder / "told-by-systemd"
        self._told.mkdir()
        self.set(COURIER)
        self.set(HOTSPOT)
        self.set(UPDATES, ActiveState="inactive", SubState="dead")
        self.set("mokanda-updates.socket", SubState="listening")
        self._command = folder / "bin" / "systemctl"
        self._command.parent.mkdir(exist_ok=True)
        self._script("")

    def set(self, name: str, **properties: str) -> None:
        """Let systemd tell this of a unit; it runs where nothing else is said."""
        running = {"ActiveState": "active", "SubState": "running", "Result": "success"}
        known = {"Type": "exec", "LoadState": "loaded", "ConditionResult": "yes"}
        told = {"Id": name, **known, **running, "InvocationID": "1", **properties}
        lines = "".join(f"{key}={value}\n" for key, value in told.items())
        (self._told / name).write_text(f"{lines}\n")

    def let_start_anew_at_each_look(self, name: str) -> None:
        """Let a unit run whenever it is looked at, and have been started anew since."""
        file = self._told / name
        self._script(f'sed -i "s/^InvocationID=.*/InvocationID=$$/" "{file}"\n')

    def _script(self, before: str) -> None:
        self._command.write_text(f"#!/bin/sh\n{before}cat {self._told}/*\n")
        self._command.chmod(0o755)


class Daemons:
    """Answer as the real ones do when they are asked whether they are there."""

    def __init__(self) -> None:
        self.trouble: Sentence | None = None  # of the courier, at its rehearsal
        self.asked: list[str] = []
        self._sockets = {name: Requests(name) for name in DAEMONS}
        self._end_reader, self._end_writer = os.pipe()

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._serve)
        thread.start()
        try:
            yield
        finally:
            os.write(self._end_writer, b".")
            thread.join(10)
            for each in self._sockets.values():
                each.close()
            os.close(self._end_reader)
            os.close(self._end_writer)

    def end(self, name: str) -> None:
        """Let one be gone: nobody finds its socket any more."""
        paths.requests(name).unlink()

    def _serve(self) -> None:
        while True:
            waited = [self._end_reader, *(each.fileno() for each in self._sockets.values())]
            ready, _, _ = select.select(waited, [], [])
            if self._end_reader in ready:
                return
            for each in self._sockets.values():
                if request := each.receive(0):
                    request.carry_out({"rehearse": self._rehearse})

    def _rehearse(self, request: Request) -> None:
        self.asked.append(request.verb)
        if self.trouble is not None:
            raise SentenceError(self.trouble)
        request.reply()


@contextmanager
def webmail_serving() -> Iterator[Webmail]:
    """A webmail that serves in the block."""
    webmail = Webmail()
    with serving(webmail.server):
        yield webmail
