# SPDX-License-Identifier: Apache-2.0
"""Setup, from the command line: runs at each start, at a request, when the relay has answered."""

import argparse
import logging
import os

from mokanda_firmware import service, status
from mokanda_firmware.setup import claim, result

_log = logging.getLogger(__name__)


def main() -> None:
    """Import the claim file, tell how it is, answer who asked; then end."""
    argparse.ArgumentParser(
        prog="mokanda-setup",
        description="Imports the claim file from the SETUP partition and publishes the claim's"
        " state, on that partition too.",
    ).parse_args()
    service.start_logging()
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


if __name__ == "__main__":
    main()
