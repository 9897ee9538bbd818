# SPDX-License-Identifier: Apache-2.0
"""The probes by which systems of phones and computers find out whether a network is the internet.

Each asks for a page of its maker's by HTTP. The right one makes it content; where it is led
elsewhere it opens that page, the portal; anything else is a network without the internet, which it
leaves for mobile data. Some ask by HTTPS besides, which nobody but the maker can answer: what they
do without is said below. docs/decisions/0018-portal.md has the sources.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Probe(NamedTuple):
    """A page that a system asks for, and what makes it content.

    Attributes:
        hosts: at which it asks, in lower case; none for any.
        path: of the page, "" for any.
        status, body, headers: the answer of its maker.
    """

    hosts: tuple[str, ...]
    path: str
    status: int
    body: str = ""
    headers: Mapping[str, str] = MappingProxyType({})

    def asks(self, host: str, path: str) -> bool:
        """Whether a request for this path at a host, in lower case and without port, is this."""
        return (not self.hosts or host in self.hosts) and self.path in {"", path}


_HTML = {"Content-Type": "text/html"}
_TEXT = {"Content-Type": "text/plain"}
_ONLINE = {**_TEXT, "X-NetworkManager-Status": "online"}
_APPLE = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
_KINDLE = (
    "<html><head><title>Kindle Reachability Probe Page</title></head>"
    "<body>81ce4465-7167-4dcb-835b-dcc9e44c112a</body></html>"
)

PROBES = (
    # Android, Chrome, ChromeOS: 204 is content, any other 2xx or 3xx the portal. Makers have hosts
    # of their own for the same path: connectivitycheck.gstatic.com, www.gstatic.com,
    # clients3.google.com, play.googleapis.com, www.google.com (gen_204); Samsung's
    # connectivity.samsung.com.cn; Huawei's connectivitycheck.platform.hicloud.com; Xiaomi's
    # connect.rom.miui.com. With 204 here, and no HTTPS, Android says "limited connection" and asks
    # whether to stay; once the portal was open and is closed, it goes by HTTP alone.
    # AOSP NetworkMonitor.java (CMD_CAPTIVE_PORTAL_APP_FINISHED), CaptivePortalProbeResult.java;
    # Chromium captive_portal_detector.cc.
    Probe((), "/generate_204", 204),
    Probe((), "/gen_204", 204),
    # Edge, which asks like Chrome, at edge-http.microsoft.com.
    Probe((), "/captiveportal/generate_204", 204),
    # iOS, macOS: "Success" is content, anything else the portal, in a window of its own, of which
    # "Cancel" becomes "Done" with the next "Success". Older ones asked random pages of more hosts.
    # developer.apple.com/news/?id=q78sq5rv, and the User-Agent CaptiveNetworkSupport.
    Probe((), "/hotspot-detect.html", 200, _APPLE, _HTML),
    Probe((), "/library/test/success.html", 200, _APPLE, _HTML),
    Probe(
        (
            *("captive.apple.com", "www.appleiphonecell.com", "www.airport.us", "www.ibook.info"),
            *("www.itools.info", "www.thinkdifferent.us"),
        ),
        *("", 200, _APPLE, _HTML),
    ),
    # Windows (NCSI): this very text is content, if dns.msftncsi.com has its address too (see
    # mokanda_firmware/setup/hotspot.py); where it is led elsewhere, it opens a browser at
    # www.msftconnecttest.com/redirect, which is led to the portal as any page is.
    # techcommunity.microsoft.com, "NCSI change notification".
    Probe(
        ("www.msftconnecttest.com", "ipv6.msftconnecttest.com"),
        *("/connecttest.txt", 200, "Microsoft Connect Test", _TEXT),
    ),
    Probe(("www.msftncsi.com", "ipv6.msftncsi.com"), "/ncsi.txt", 200, "Microsoft NCSI", _TEXT),
    # Firefox, and KaiOS with the same engine: this very text is content, anything else the portal,
    # which is offered in a bar. captivedetect.canonicalURL and canonicalContent of Gecko, new and
    # old, and of b2g.js in kaiostech/gecko-b2g.
    Probe(
        ("detectportal.firefox.com",),
        "/canonical.html",
        200,
        '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>',
        _HTML,
    ),
    Probe(("detectportal.firefox.com",), "/success.txt", 200, "success\n", _TEXT),
    Probe(("detectportal.kaiostech.com",), "/success.txt", 200, "success", _TEXT),
    # Kindle and Fire, those with e-ink at a page of their own: a page with this very number is
    # content, anything else the portal. Of spectrum.s3.amazonaws.com, as PacketFence answers it.
    Probe((), "/kindle-wifi/wifistub.html", 200, _KINDLE, _HTML),
    Probe((), "/kindle-wifi/wifistub-eink.html", 200, _KINDLE, _HTML),
    # NetworkManager, as distributions and desktops set it: the header or the text is content, any
    # other answer the portal, which the desktop opens. nm-connectivity.c.
    Probe(
        ("nmcheck.gnome.org",),
        *("/check_network_status.txt", 200, "NetworkManager is online\n", _ONLINE),
    ),
    Probe(("network-test.debian.org",), "/nm", 200, "NetworkManager is online\n", _ONLINE),
    Probe(("connectivity-check.ubuntu.com",), "/", 204, "", _ONLINE),
    Probe(("fedoraproject.org",), "/static/hotspot.txt", 200, "OK", _ONLINE),
    Probe(("networkcheck.kde.org",), "/", 200, "OK\n", _ONLINE),
)


def find(host: str, path: str) -> Probe | None:
    """Return the probe that asks for this path at a host, in lower case and without port."""
    return next((probe for probe in PROBES if probe.asks(host, path)), None)
