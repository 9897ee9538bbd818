# SPDX-License-Identifier: Apache-2.0
"""A relay and a stand-in for SendGrid on loopback, for `make run` and for tests."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.tools.children import Children, StartError, child_environment
from scripts.tools.http_probe import answers
from scripts.tools.repository import REPOSITORY

DEVICE = "village"
DOMAIN = "village.example"
INBOUND_SECRET = "inbound-on-loopback"  # noqa: S105 - a word in a URL that only loopback can reach
OPERATOR_PASSWORD = "on-loopback"  # noqa: S105 - of a page that only loopback can reach
PREFERRED_PORTS = {"webmail": 8080, "operator": 8081, "sendgrid": 8082, "relay": 8443}


def ports(folder: Path, offset: int = 0) -> dict[str, int]:
    """Port numbers by name, chosen once per folder: a claimed device remembers its relay's.

    Args:
        folder: where the choice is kept.
        offset: how far from the usual ones, for relays side by side.
    """
    record = folder / "ports.json"
    if record.exists():
        return {name: int(port) for name, port in json.loads(record.read_text()).items()}
    chosen = {name: _free_port(port + offset) for name, port in PREFERRED_PORTS.items()}
    folder.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(chosen))
    return chosen


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StartError("this computer has no free port")


@dataclass(frozen=True)
class Relay:
    """A running relay and the stand-in behind it."""

    data: Path
    operator_url: str
    sendgrid_url: str
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """Run a `mokanda-relay` command on this relay's data and return its output."""
        command = [sys.executable, "-m", "mokanda_relay", *arguments, "--data", str(self.data)]
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env={**child_environment(), **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StartError(f"{' '.join(command[1:])}: {done.stderr or done.stdout}")
        return done.stdout

    def claim_file(self, folder: Path) -> Path:
        """The claim file of the one device, made (and the device added) where there is none."""
        path = folder / "mokanda-claim.toml"
        if not path.exists():
            self.run("device", "add", DEVICE, "--domain", DOMAIN, "--output", str(path))
        return path

    def has_claimed(self) -> bool:
        """Whether the device has claimed itself."""
        return (
            re.search(rf"^{DEVICE} +\S+ +\d", self.run("device", "list"), re.MULTILINE) is not None
        )


def start_relay(children: Children, folder: Path, device_host: str) -> Relay:
    """Start relay and stand-in with their data in `folder`.

    Args:
        children: who ends them.
        folder: data, kept between runs.
        device_host: the address by which the device reaches this computer's loopback.
    """
    port = ports(folder)
    operator_url = f"http://127.0.0.1:{port['operator']}/"
    sendgrid_url = f"http://127.0.0.1:{port['sendgrid']}/"
    children.start(
        "sendgrid",
        [
            *(sys.executable, "-m", "tests.stand_ins.sendgrid"),
            *("--listen", f"127.0.0.1:{port['sendgrid']}"),
            *("--parse-url", f"{operator_url}inbound/{INBOUND_SECRET}"),
            *("--data", str(folder / "sendgrid")),
        ],
    )
    children.wait_until(lambda: answers(sendgrid_url), "the stand-in for SendGrid to answer", 30)
    relay = Relay(
        data=folder / "relay",
        operator_url=operator_url,
        sendgrid_url=sendgrid_url,
        environment={
            "MOKANDA_RELAY_URL": f"https://{device_host}:{port['relay']}",
            "MOKANDA_INBOUND_SECRET": INBOUND_SECRET,
            "MOKANDA_OPERATOR_PASSWORD": OPERATOR_PASSWORD,
            "SENDGRID_API_KEY": "SG.on-loopback",
            "SENDGRID_HOST": sendgrid_url.rstrip("/"),
            "SENDGRID_EVENT_KEY": (folder / "sendgrid/public-key").read_text(),
        },
    )
    children.start(
        "relay",
        [
            *(sys.executable, "-m", "mokanda_relay", "serve"),
            *("--data", str(relay.data)),
            *("--listen", f"127.0.0.1:{port['relay']}"),
            *("--operator", f"127.0.0.1:{port['operator']}"),
        ],
        **relay.environment,
    )
    children.wait_until(lambda: answers(f"{relay.operator_url}healthz"), "the relay to answer", 30)
    return relay
