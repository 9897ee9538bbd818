# SPDX-License-Identifier: Apache-2.0
"""What the tests see of a village: its board, and the world that the board talks to."""

from __future__ import annotations

import json
import threading
import urllib.request
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from scripts.emulator.board import LOOPBACK, Board
from scripts.local.relay import Relay
from scripts.tools.deadlines import DeadlineError, wait_until
from tests.emulator.phone import Phone
from tests.emulator.shell import Shell
from tests.stand_ins.front import Front
from tests.stand_ins.mobile_network import MobileNetwork
from tests.stand_ins.modem import Modem

# A claim file of which the end is missing.
DAMAGED_CLAIM: Final = 'relay = "https://10.64.0.1:8443"\ncode = "ABCD-'


@dataclass
class EmulatedVillage:
    """One village; `front` is the relay's only door for its board."""

    board: Board
    shell: Shell
    relay: Relay
    front: Front
    network: MobileNetwork
    modem: Modem

    @property
    def ethernet(self) -> str:
        """The address from which what the board sends by Ethernet comes in at the relay's door."""
        return str(self.network.gateway)

    @property
    def mobile(self) -> str:
        """The address from which what it sends through its stick comes in."""
        return str(self.network.board)

    def power_on(self) -> None:
        """Boot until webmail and root shell answer."""
        self.board.power_on()
        self.shell.wait_for_start()
        try:
            self.wait_for_webmail()
        except DeadlineError as error:
            how = "systemctl list-jobs; systemctl --failed; journalctl --lines=60"
            error.add_note(self.shell.run(f"{how} --no-pager", 120).output)
            raise

    def wait_until_ready(self) -> None:
        """Wait until a board that was powered on is well, its first mail run among it."""
        self.shell.run("systemctl is-system-running --wait", seconds=120)
        self.shell.wait_for_status("setup", lambda now: now["state"] == "claimed", 180)
        self.shell.wait_for_status("updates", bool, 180)
        self.shell.wait_for_status("lights", lambda now: now["state"] == "ready", 180)

    def wait_for_webmail(self) -> None:
        """Wait until the webmail answers, after a reset or power-on."""
        self.board.wait_for_webmail(180)

    def reboot(self) -> None:
        """Restart as the board itself does, and wait until webmail and root shell answer."""
        self.board.console.write("systemctl reboot\n")
        self.shell.wait_for_start()
        self.wait_for_webmail()

    def slot(self) -> str:
        """The slot, A or B, that the board has booted."""
        return self.shell.check("sed 's/.*rauc.slot=\\(.\\).*/\\1/' /proc/cmdline")

    def put(self, source: Path, target: str) -> None:
        """Copy a file of this computer onto the board, through its Ethernet."""
        handler = partial(SimpleHTTPRequestHandler, directory=source.parent)
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://{LOOPBACK}:{server.server_port}/{quote(source.name)}"
            # The firewall lets out nobody but the courier.
            fetch = "systemd-run --quiet --pipe --uid mokanda-courier busybox wget -q -O -"
            self.shell.check(f"{fetch} '{url}' >'{target}'", seconds=120)
            server.shutdown()

    def write_claim(self, name: str) -> Path:
        """A claim file of a device that is new to the relay."""
        claim = self.board.card.parent / f"{name}.toml"
        domain = f"{name}.example"
        self.relay.run("device", "add", name, "--domain", domain, "--output", str(claim))
        return claim

    def phone(self, language: str = "en") -> Phone:
        """A phone in the village."""
        return Phone(self.board.webmail, language)

    def sync(self, keeper: Phone, seconds: float = 180) -> dict[str, Any]:
        """Have the keeper ask for a mail run; return the courier's status when it has ended."""

        def ended() -> int:
            """How many mail runs have ended; a run's status still says idle as it begins."""
            journal = "journalctl --no-pager --unit=mokanda-courier"
            return int(self.shell.run(f"{journal} | grep -cE 'synced:|sync failed:'").output)

        def is_resting(courier: dict[str, Any]) -> bool:
            return courier["state"] in ("idle", "failed")

        self.shell.wait_for_status("courier", is_resting, seconds)
        before = ended()
        keeper.fill_in("/device", "/device/sync")
        wait_until(lambda: ended() > before, "the end of a mail run", seconds, every=1)
        return self.shell.wait_for_status("courier", is_resting, seconds)

    def sent_by_sendgrid(self) -> list[dict[str, Any]]:
        """The bodies of the mails that the stand-in for SendGrid was given."""
        with urllib.request.urlopen(f"{self.relay.sendgrid_url}sent.json") as reply:
            return [sent["body"] for sent in json.load(reply)]

    def world_writes(self, **fields: str) -> None:
        """Have somebody in the world write: the stand-in posts it as SendGrid's webhook does."""
        boundary = "---------------------------mokanda"
        body = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        request = urllib.request.Request(
            f"{self.relay.sendgrid_url}write",
            f"{body}--{boundary}--\r\n".encode(),
            {"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        with urllib.request.urlopen(request) as reply:
            assert "said=taken" in reply.url
