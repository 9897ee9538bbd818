# SPDX-License-Identifier: Apache-2.0
"""The one name of the webmail: the address of the device in the network it is asked from.

In the village's network every name leads to the device. Under a name of the world a phone sends
that site's cookies, keeps ours apart from those of other names, and asks whether this is the
internet: whatever is asked there is led to the one name.
"""

from ipaddress import ip_address

import bottle
from bottle import HTTPResponse

from mokanda_firmware.webmail.visit import header

_PORT = "80"


def lead_to_one(app: bottle.Bottle) -> None:
    """Have an app lead to the same page under its address, and to the first page from no page.

    Not forms: what somebody has written is taken under any name.
    """

    def lead() -> None:
        request = bottle.request
        if request.method not in {"GET", "HEAD"} or _is_address(header(request, "HOST")):
            return
        try:
            app.router.match(request.environ)
            path = request.fullpath + (f"?{request.query_string}" if request.query_string else "")
        except bottle.HTTPError:
            path = "/"
        # For this time only: elsewhere the name is the world's again.
        headers = {"Location": _origin(request) + path, "Cache-Control": "no-store"}
        raise HTTPResponse("", 303, headers)

    app.add_hook("before_request", lead)


def _is_address(host: str) -> bool:
    """Whether a Host header has an address, or this computer's own name."""
    name = host.partition("]")[0].removeprefix("[") if host[:1] == "[" else host.partition(":")[0]
    try:
        return not name or name.lower() == "localhost" or bool(ip_address(name))
    except ValueError:
        return False


def _origin(request: bottle.LocalRequest) -> str:
    """Return where the phone has reached the device, by its address."""
    address, port = request.environ["SERVER_NAME"], request.environ["SERVER_PORT"]
    name = f"[{address}]" if ":" in address else address
    return f"http://{name}" if port == _PORT else f"http://{name}:{port}"
