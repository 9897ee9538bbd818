# SPDX-License-Identifier: Apache-2.0
"""Setup, from the command line: runs at each start, at a request, when the relay has answered."""

import argparse
import logging
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import RequestError, Requests
from mokanda_firmware.bus.sentences import say
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.setup import claim, keeper, result, wifi, wipe
from mokanda_firmware.setup.wifi import Wifi, WifiError
from mokanda_wire import claimfile

# The page that says what happens has to reach the phone before its Wi-Fi goes.
_GRACE_SECONDS = 4.0
_HOTSPOT = ("mokanda-hotspot.service", "mokanda-hotspot-names.service")
_CARD = Path("/sys/class/net/wlan0")
_NOT_KEPT = say("The device has no room left, so this could not be kept. Please tell your keeper.")
_UNSOUND = say(
    "This claim file cannot be used. Ask your relay's operator for a new one, and copy it whole."
)
_log = logging.getLogger(__name__)


def main() -> None:
    """Import the claim file, tell how it is, answer who asked; then end."""
    argparse.ArgumentParser(
        prog="mokanda-setup",
        description="Imports the claim file from the SETUP partition and publishes the claim's"
        " state, on that partition too.",
    ).parse_args()
    service.start_logging()
    _set_up()
    if "LISTEN_PID" not in os.environ:
        return
    requests = Requests("setup")  # systemd's socket: who asks starts us
    afterwards: list[Callable[[], None]] = []
    while (request := requests.receive(0)) is not None:
        try:
            reply, then = _obey(request.verb, request.arguments)
        except (WifiError, RequestError) as error:
            request.fail(error.args[0])
        except claimfile.ClaimFileError as error:
            _log.warning("the claim that was given: %s", error)
            request.fail(_UNSOUND)
        except OSError as error:
            _log.error("%s: %s", request.verb, error)
            request.fail(_NOT_KEPT)
        else:
            request.reply(**reply)
            if then is not None and then not in afterwards:
                afterwards.append(then)
    requests.close()
    if afterwards:
        time.sleep(_GRACE_SECONDS)
    for act in afterwards:
        act()


def _obey(verb: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], Callable[[], None] | None]:
    """Do what was asked; return the reply, and what is to be done once it has been read."""
    if verb == "import":
        current = _set_up()
        return {"state": current.state, "detail": current.detail}, None
    if verb == "claim":
        claim.put_in(str(arguments.get("text", "")))
        return {"state": _set_up().state}, None
    if verb == "wifi":
        network = Wifi(*(str(arguments.get(name, "")) for name in ("name", "key", "country")))
        network.check()
        return {"changed": wifi.write(network)}, None
    if verb == "restart-wifi":
        return {}, _restart_hotspot
    if verb == "wipe":
        wipe.ask()
        return {}, _reboot
    raise RequestError(f"The setup service does not know how to {verb}.")


def _restart_hotspot() -> None:
    """Start the Wi-Fi with its new settings; without a card it will be when one appears."""
    if _CARD.exists():
        # It waits for this very service to end.
        subprocess.run(["systemctl", "--no-block", "restart", *_HOTSPOT], check=False)


def _reboot() -> None:
    subprocess.run(["systemctl", "--no-block", "reboot"], check=False)


def _set_up() -> SetupStatus:
    current = claim.publish_state(claim.take_in())
    result.write(current)
    keeper.answer()
    _log.info("%s: %s", current.state, current.detail)
    return current


if __name__ == "__main__":
    main()
