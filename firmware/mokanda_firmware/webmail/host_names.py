# SPDX-License-Identifier: Apache-2.0
"""The one name of the webmail: the address of the device in the network it is asked from.

In the village's network every name leads to the device. Under a name of the world a phone sends
that site's cookies, keeps ours apart from those of other names, and asks whether this is the
internet: that is answered or led to the portal, all else is led to the one name. An address is
found without DNS, and no browser asks for it by HTTPS first.
"""

from collections.abc import Callable
from ipaddress import ip_address

import bottle
from bottle import HTTPResponse

from mokanda_firmware.webmail import probes
from mokanda_firmware.webmail.visit import header

_PORT = "80"
# For this time only: elsewhere the name is the world's again.
_FOR_NOW = {"Cache-Control": "no-store"}


def lead_to_one(app: bottle.Bottle, portal: str, is_captive: Callable[[str], bool]) -> None:
    """Have an app lead to the same page under its address, and answer what tests the network.

    Not forms: what somebody has written is taken under any name.

    Args:
        app: what has the pages.
        portal: where phones that are captive are led to from no page.
        is_captive: whether the phone at an address is.
    """

    def lead() -> None:
        request = bottle.request
        name = _name(header(request, "HOST"))
        if request.method not in {"GET", "HEAD"} or _is_address(name):
            return
        probe = probes.find(name, request.path)
        if held := is_captive(request.environ.get("REMOTE_ADDR", "")):
            probe = None
        if probe:
            raise HTTPResponse(probe.body, probe.status, {**probe.headers, **_FOR_NOW})
        path = portal if held else "/"
        if request.path != "/" and _has_page(app, request):
            path = request.fullpath + (f"?{request.query_string}" if request.query_string else "")
        # 302, as all systems know it from the portals of others.
        raise HTTPResponse("", 302, {"Location": _origin(request) + path, **_FOR_NOW})

    app.add_hook("before_request", lead)


def _name(host: str) -> str:
    """Return the name or address of a Host header, without a port."""
    name = host.partition("]")[0].removeprefix("[") if host[:1] == "[" else host.partition(":")[0]
    return name.lower()


def _is_address(name: str) -> bool:
    """Whether it is an address, or this computer's own name."""
    try:
        return not name or name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False


def _has_page(app: bottle.Bottle, request: bottle.LocalRequest) -> bool:
    try:
        app.router.match(request.environ)
    except bottle.HTTPError:
        return False
    return True


def _origin(request: bottle.LocalRequest) -> str:
    """Return where the phone has reached the device, by its address."""
    address, port = request.environ["SERVER_NAME"], request.environ["SERVER_PORT"]
    name = f"[{address}]" if ":" in address else address
    return f"http://{name}" if port == _PORT else f"http://{name}:{port}"
