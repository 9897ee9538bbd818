# SPDX-License-Identifier: Apache-2.0
"""The village's Wi-Fi: settings for hostapd and dnsmasq, made whenever it starts.

The network leads to this device only: dnsmasq answers every name with an address of the device's,
and the kernel forwards nothing to an uplink. docs/decisions/0018-portal.md says why it is so.

A network that does not start as the keeper has set it is opened as a new device's, until the device
starts anew: otherwise nobody could reach the page on which it is mended.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

from mokanda_firmware.bus import service
from mokanda_firmware.bus.states import HotspotState
from mokanda_firmware.bus.statuses import HotspotStatus, SetupStatus
from mokanda_firmware.setup import wifi
from mokanda_firmware.setup.wifi import Wifi

# As in systemd-networkd's file for wlan0: ours in the phones' network, and the one that every name
# leads to. Where names lead to private addresses (RFC 1918), phones see no portal but a network
# without the internet, so this one is of those kept for documentation (RFC 5737): it is nobody's.
ADDRESS = "192.168.73.1"
PORTAL = "192.0.2.1"
LEASE_SECONDS = 12 * 3600  # for so long an address is one phone's
# So many starts with the same settings within so many seconds: hostapd does not stay up with them.
_TRIES = 3
_TRY_SECONDS = 120.0
_CHANNEL = 6


def hostapd(interface: str, network: Wifi) -> str:
    """Return hostapd's settings; whatever somebody has typed stands in them as hex."""
    lines = [
        f"interface={interface}",
        "driver=nl80211",
        f"ssid2={network.name.encode().hex()}",
        "utf8_ssid=1",
        "hw_mode=g",
        f"channel={_CHANNEL}",
        "ieee80211n=1",
        "wmm_enabled=1",
        "ap_isolate=1",
    ]
    if network.country:
        lines += [f"country_code={network.country}", "ieee80211d=1"]
    if network.key:
        lines += [
            "wpa=2",
            "wpa_key_mgmt=WPA-PSK",
            "rsn_pairwise=CCMP",
            f"wpa_psk={network.pre_shared_key()}",
        ]
    return "\n".join(lines) + "\n"


def dnsmasq(interface: str) -> str:
    """Return dnsmasq's settings: addresses for phones, and our own address for every name.

    Names have no other records (`local`): who asks for IPv6 or HTTPS ones is told so at once, where
    dnsmasq would refuse to answer without a server to ask. Windows looks for one name that it knows
    the address of. The portal is named as RFC 8910 has it, to phones that ask for that.
    """
    subnet = ADDRESS.rpartition(".")[0]
    return f"""\
keep-in-foreground
log-facility=-
interface={interface}
except-interface=lo
bind-interfaces
no-resolv
no-hosts
local=/#/
address=/#/{PORTAL}
address=/dns.msftncsi.com/131.107.255.255
dhcp-authoritative
dhcp-range={subnet}.10,{subnet}.250,{LEASE_SECONDS}
dhcp-option=114,http://{PORTAL}/portal
dhcp-leasefile=/run/mokanda-hotspot-names/leases
"""


def choose(record: Path, now: float) -> Wifi:
    """Return the network to start now, and tell the status `hotspot` which one that is.

    Args:
        record: a file of this boot's, with the starts so far.
        now: seconds of a clock that nobody sets.
    """
    setup = SetupStatus.read()
    default = wifi.of_village(setup.village if setup else "")
    wanted = wifi.read() or default
    given_up = wanted != default and _has_failed(record, wanted, now)
    network = default if given_up else wanted
    if given_up:
        state = HotspotState.GIVEN_UP
    else:
        state = HotspotState.LOCKED if network.key else HotspotState.OPEN
    HotspotStatus(state, network=network.name).publish()
    return network


def _has_failed(record: Path, network: Wifi, now: float) -> bool:
    """Note a start with these settings; tell whether enough of them have failed."""
    settings = hashlib.sha256(hostapd("", network).encode()).hexdigest()
    try:
        noted = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        noted = {}
    if noted.get("settings") != settings:
        noted = {"settings": settings, "starts": [], "given_up": False}
    starts = [at for at in noted["starts"] if now - at < _TRY_SECONDS]
    given_up = bool(noted["given_up"]) or len(starts) >= _TRIES
    noted = {"settings": settings, "starts": [*starts, now], "given_up": given_up}
    record.write_text(json.dumps(noted), encoding="utf-8")
    return given_up


def main() -> None:
    """Write both files into the folder given."""
    parser = argparse.ArgumentParser(description="Writes the settings of hostapd and dnsmasq.")
    parser.add_argument("interface", help="the Wi-Fi card, such as wlan0")
    parser.add_argument("folder", type=Path, help="where hostapd.conf and dnsmasq.conf go")
    arguments = parser.parse_args()
    service.start_logging()
    network = choose(arguments.folder / "starts.json", time.monotonic())
    files = {
        "hostapd.conf": hostapd(arguments.interface, network),
        "dnsmasq.conf": dnsmasq(arguments.interface),
    }
    for name, text in files.items():
        (arguments.folder / name).write_text(text, encoding="utf-8")
    (arguments.folder / "dnsmasq.conf").chmod(0o644)  # it has no key, and dnsmasq is nobody


if __name__ == "__main__":
    main()
