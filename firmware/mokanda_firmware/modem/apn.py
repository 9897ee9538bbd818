# SPDX-License-Identifier: Apache-2.0
"""Which access points (APN) a SIM card may dial, by the network that its IMSI names."""

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from mokanda_firmware.modem import networks
from mokanda_firmware.modem.settings import Settings

PROVIDERS = Path("/usr/share/mobile-broadband-provider-info/serviceproviders.xml")
_MAX_TRIED = 6  # names: beyond these, tries only cost


class AccessPoint(NamedTuple):
    """An APN, what to log in with ("" where the network asks for nothing), and the PDP type."""

    name: str
    username: str = ""
    password: str = ""
    protocol: str = "IP"  # or IPV4V6 (3GPP TS 27.007, +CGDCONT)


def candidates(
    imsi: str, settings: Settings, providers: Path = PROVIDERS, own: Path = networks.FILE
) -> list[AccessPoint]:
    """Return what to dial with the SIM card of this IMSI, the most promising first.

    The keeper's own setting, what has worked, our list, the providers' list, the name that most
    networks take; then all of these anew over both versions of IP.
    """
    listed = _listed(imsi, providers, own)
    worked = [each for each in listed if settings.imsi == imsi and each.name == settings.worked]
    keepers = [AccessPoint(settings.apn, settings.username, settings.password)]
    tried = list(dict.fromkeys([*(keepers if settings.apn else []), *worked, *listed]))[:_MAX_TRIED]
    return tried + [each._replace(protocol="IPV4V6") for each in tried]


def _listed(imsi: str, providers: Path, own: Path) -> list[AccessPoint]:
    """Return what the lists have, ours first; both by the longer number of the network first."""
    table = networks.read(own)
    found = [AccessPoint(**each) for each in networks.of(imsi, table).get("apn", [])]
    numbers = networks.numbers(imsi)
    public = _published(numbers, providers)
    for number in numbers:
        if number in public:
            found += public[number]
            break
    return [*found, AccessPoint(**table["default"])]


def _published(numbers: tuple[str, ...], providers: Path) -> dict[str, list[AccessPoint]]:
    """Return what the providers' list has for these networks; it is 360 KB: read it as a stream."""
    found: dict[str, list[AccessPoint]] = {}
    if not providers.exists():
        return found
    for _, element in ElementTree.iterparse(providers):  # noqa: S314 - a file of the image
        if element.tag != "provider":
            continue
        for identity in element.iter("network-id"):
            number = f"{identity.get('mcc')}{identity.get('mnc')}"
            if number in numbers:
                found.setdefault(number, []).extend(_for_the_internet(element))
        element.clear()
    return {number: each for number, each in found.items() if each}


def _for_the_internet(provider: ElementTree.Element) -> list[AccessPoint]:
    """Return the provider's access points for the Internet, prepaid before postpaid."""
    found = [
        apn
        for apn in provider.iter("apn")
        if any(usage.get("type") == "internet" for usage in apn.findall("usage"))
    ]
    found.sort(key=lambda apn: not any(p.get("type") == "prepaid" for p in apn.iter("plan")))
    return [
        AccessPoint(
            each.get("value", "").strip(),
            each.findtext("username", "").strip(),
            each.findtext("password", "").strip(),
        )
        for each in found
    ]
