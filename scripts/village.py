# SPDX-License-Identifier: Apache-2.0
"""A relay and a stand-in for SendGrid on loopback, for `make run` and `make run-host`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.emulator import answers

REPOSITORY = Path(__file__).resolve().parent.parent
DEVICE = "village"
DOMAIN = "village.example"
INBOUND_SECRET = "inbound-on-loopback"  # noqa: S105 - a word in a URL that only loopback can reach
PREFERRED_PORTS = {"webmail": 8080, "operator": 8081, "sendgrid": 8082, "relay": 8443}


class StartError(Exception):
    """Something did not start; the text says what, and where its log is."""


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a step and, when it is done, the seconds that it took."""
    print(f"\033[1m==>\033[0m {text} ...", flush=True)
    start = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - start:.0f} s", flush=True)


def ports(folder: Path) -> dict[str, int]:
    """Port numbers by name, chosen once per folder: a claimed device remembers its relay's."""
    record = folder / "ports.json"
    if record.exists():
        return {name: int(port) for name, port in json.loads(record.read_text()).items()}
    chosen = {name: _free_port(port) for name, port in PREFERRED_PORTS.items()}
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


class Children:
    """Child processes with a log file each; leaving the context ends all of them."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, command: Sequence[str], **environment: str) -> None:
        """Start `command`, its output in `<logs>/<name>.log`."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as log:
            child = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone; we end them in order
            )
        self._running.append((name, child))

    def run(self, name: str, command: Sequence[str], **environment: str) -> None:
        """Run `command` to its end, its output in the log; raise StartError when it fails."""
        self.start(name, command, **environment)
        _, child = self._running.pop()
        if child.wait():
            raise self._ended(name, child)

    def log(self, name: str) -> Path:
        """Where the output of `name` goes."""
        return self._logs / f"{name}.log"

    def check(self) -> None:
        """Raise StartError when a child has ended by itself."""
        for name, child in self._running:
            if child.poll() is not None:
                raise self._ended(name, child)

    def _ended(self, name: str, child: subprocess.Popen[bytes]) -> StartError:
        log = self.log(name)
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        return StartError(f"{name} ended with code {child.returncode}:\n{tail}\n({log})")

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until `ready()`, while all children live; raise StartError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise StartError(f"{what} after {seconds:.0f} s; see the logs in {self._logs}")
            time.sleep(0.2)

    def __enter__(self) -> Self:
        """End everything on SIGTERM as on Ctrl-C."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all children, the newest first."""
        for _, child in reversed(self._running):
            child.terminate()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


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
            env={**_environment(), **self.environment},
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
    relay = Relay(
        data=folder / "relay",
        operator_url=f"http://127.0.0.1:{port['operator']}/",
        sendgrid_url=f"http://127.0.0.1:{port['sendgrid']}/",
        environment={
            "MOKANDA_RELAY_URL": f"https://{device_host}:{port['relay']}",
            "MOKANDA_INBOUND_SECRET": INBOUND_SECRET,
            "SENDGRID_API_KEY": "SG.on-loopback",
            "SENDGRID_HOST": f"http://127.0.0.1:{port['sendgrid']}",
        },
    )
    children.start(
        "sendgrid",
        [
            *(sys.executable, "-m", "tests.stand_ins.sendgrid"),
            *("--listen", f"127.0.0.1:{port['sendgrid']}"),
            *("--parse-url", f"{relay.operator_url}inbound/{INBOUND_SECRET}"),
            *("--data", str(folder / "sendgrid")),
        ],
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
    children.wait_until(
        lambda: answers(f"{relay.operator_url}healthz") and answers(relay.sendgrid_url),
        "the relay does not answer",
        30,
    )
    return relay


def print_addresses(webmail_url: str, relay: Relay) -> None:
    """Tell the two addresses that people want, and the stand-in's, where mail ends and begins."""
    print(
        f"""
    webmail, as the village's phones see it    {webmail_url}
    operator page of the relay                 {relay.operator_url}

    The rest of the world is played by         {relay.sendgrid_url}
    (mail that left the village is shown there, and mail to the village is written there)

    Ctrl-C ends everything.""",
        flush=True,
    )


def wait_for_interrupt(children: Children) -> None:
    """Stay until Ctrl-C, or until a child ends by itself (StartError)."""
    with suppress(KeyboardInterrupt):
        while True:
            children.check()
            time.sleep(1)
    print("\nEnding everything ...", flush=True)
