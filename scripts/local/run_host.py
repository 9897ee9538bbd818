# SPDX-License-Identifier: Apache-2.0
"""`make run-host`: webmail, courier and relay on this computer, without image or emulator.

For those who work on pages: it is up in seconds, and after an edit Ctrl-C and `make run-host`
show it. The data stays in build/run-host until `make run-host FRESH=1`.
Setup and backup start when a page asks for them, as on a device; what would restart that (the
wipe, the Wi-Fi) is done at the next `make run-host`, and there is never a memory stick.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from scripts.local.relay import Relay, ports, start_relay
from scripts.local.terminal import print_addresses, step, wait_for_interrupt
from scripts.tools.children import Children, StartError
from scripts.tools.http_probe import answers
from scripts.tools.repository import REPOSITORY

FOLDER = REPOSITORY / "build" / "run-host"


def main() -> int:
    """Start everything, print the addresses and stay until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Webmail, courier and relay on this computer.")
    parser.add_argument("--fresh", action="store_true", help="forget the last run's mail")
    if parser.parse_args().fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        with Children(FOLDER / "logs") as children:
            with step("starting the relay"):
                relay = start_relay(children, FOLDER, device_host="127.0.0.1")
            with step("starting the device's daemons"):
                webmail_url = start_device(children, FOLDER, relay)
            print_addresses(webmail_url, relay)
            wait_for_interrupt(children)
    except StartError as error:
        print(f"make run-host: {error}", file=sys.stderr)
        return 1
    return 0


def start_device(children: Children, folder: Path, relay: Relay) -> str:
    """Start the device's daemons, let it claim itself, and return the webmail's URL."""
    environment = {
        "MOKANDA_DATA": str(folder / "device"),
        "MOKANDA_RUN": str(folder / "status"),
        "MOKANDA_SETUP": str(folder / "setup"),
    }
    for path in environment.values():
        Path(path).mkdir(parents=True, exist_ok=True)
    relay.claim_file(folder / "setup")
    listen = f"127.0.0.1:{ports(folder)['webmail']}"
    url = f"http://{listen}/"
    # Whatever a page asks for, this computer is not restarted.
    systemctl = folder / "bin" / "systemctl"
    systemctl.parent.mkdir(exist_ok=True)
    systemctl.write_text('#!/bin/sh\necho "not done here: systemctl $*"\n')
    systemctl.chmod(0o755)
    environment["PATH"] = f"{systemctl.parent}:{os.environ['PATH']}"
    children.run("wipe", _daemon("setup.wipe"), **environment)
    children.run("setup", _daemon("setup"), **environment)
    on_request = [sys.executable, "-m", "scripts.local.on_request"]
    children.start("setup", [*on_request, "setup", *_daemon("setup")], **environment)
    no_stick = [sys.executable, "-m", "scripts.local.backup_without_stick"]
    children.start("backup", [*on_request, "backup", *no_stick], **environment)
    children.start("courier", _daemon("courier"), **environment)
    children.start("webmail", [*_daemon("webmail"), "--listen", listen], **environment)
    children.wait_until(lambda: answers(url), "the webmail to answer", 30)
    children.wait_until(relay.has_claimed, "the device to claim itself", 30)
    return url


def _daemon(room: str) -> list[str]:
    return [sys.executable, "-m", f"mokanda_firmware.{room}"]


if __name__ == "__main__":
    sys.exit(main())
