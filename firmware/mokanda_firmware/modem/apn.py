# SPDX-License-Identifier: Apache-2.0
"""Which access point (APN) a SIM card dials, by the network that its IMSI names."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PROVIDERS = Path("/usr/share/mobile-broadband-provider-info/serviceproviders.xml")
_OVERRIDES = Path(__file__).with_name("apn.toml")


@dataclass(frozen=True)
class AccessPoint:
    """An APN and what to log in with; "" where the network asks for nothing."""

    name: str
    username: str = ""
    password: str = ""


def find(imsi: str, providers: Path = PROVIDERS, overrides: Path = _OVERRIDES) -> AccessPoint:
    """Return the access point for the SIM card with this IMSI.

    The network code (MNC) after the country code (MCC) has two or three digits; which, only the
    list of networks tells: three are tried first. Our own list goes before the providers' list; a
    network in neither gets the default.
    """
    with overrides.open("rb") as file:
        own = tomllib.load(file)
    networks = (imsi[:6], imsi[:5])
    for network in networks:
        if network in own["network"]:
            return AccessPoint(**own["network"][network])
    public = _published(networks, providers)
    for network in networks:
        if network in public:
            return public[network]
    return AccessPoint(**own["default"])


def _published(networks: tuple[str, ...], providers: Path) -> dict[str, AccessPoint]:
    """Return what the providers' list has for these networks; it is 360 KB: read it as a stream."""
    found: dict[str, AccessPoint] = {}
    if not providers.exists():
        return found
    for _, element in ElementTree.iterparse(providers):  # noqa: S314 - a file of the image
        if element.tag != "provider":
            continue
        for identity in element.iter("network-id"):
            network = f"{identity.get('mcc')}{identity.get('mnc')}"
            access_point = _best(element)
            if network in networks and access_point is not None:
                found.setdefault(network, access_point)
        element.clear()
    return found


def _best(provider: ElementTree.Element) -> AccessPoint | None:
    """Return the provider's access point for the Internet, prepaid rather than postpaid."""
    candidates = [
        apn
        for apn in provider.iter("apn")
        if any(usage.get("type") == "internet" for usage in apn.findall("usage"))
    ]
    candidates.sort(key=lambda apn: not any(p.get("type") == "prepaid" for p in apn.iter("plan")))
    if not candidates:
        return None
    best = candidates[0]
    return AccessPoint(
        best.get("value", "").strip(),
        best.findtext("username", "").strip(),
        best.findtext("password", "").strip(),
    )
