# SPDX-License-Identifier: Apache-2.0
"""Setup, from the command line: runs at each start, at a request, when the relay has answered."""

import argparse
import grp
import logging
import os
import pwd
import subprocess
import sys

from mokanda_firmware import paths, service, status
from mokanda_firmware.setup import claim, result

_log = logging.getLogger(__name__)


def main() -> None:
    """Import the claim file, make the device's key, tell how it is, answer who asked; then end."""
    argparse.ArgumentParser(
        prog="mokanda-setup",
        description="Imports the claim file from the SETUP partition and publishes the claim's"
        " state; makes the device's key when there is none.",
    ).parse_args()
    service.start_logging()
    _make_key()
    current = _set_up()
    if "LISTEN_PID" not in os.environ:
        return
    requests = status.Requests("setup")  # systemd's socket: who asks starts us
    while (request := requests.receive(0)) is not None:
        if request.verb == "import":
            current = _set_up()
            request.reply(state=current.state, detail=current.detail)
        else:
            request.fail(f"The setup service does not know how to {request.verb}.")
    requests.close()


def _set_up() -> claim.State:
    current = claim.publish_state(claim.take_in())
    result.write(current)
    _log.info("%s: %s", current.state, current.detail)
    return current


def _make_key() -> None:
    """Have the key made by the user who owns it, in a process of its own."""
    if paths.device_key().exists():
        return
    command = [sys.executable, "-m", "mokanda_firmware.setup.key"]
    try:
        owner = pwd.getpwnam("mokanda-courier")
    except KeyError:  # a computer that is no device
        owner = None
    if owner is None or os.geteuid() != 0:
        made = subprocess.run(command, check=False)
    else:
        made = subprocess.run(
            command,
            check=False,
            user=owner.pw_uid,
            group=grp.getgrnam("mokanda").gr_gid,
            extra_groups=[],
            umask=0o007,
        )
    if made.returncode != 0:
        _log.error("the device's key could not be made")


if __name__ == "__main__":
    main()
