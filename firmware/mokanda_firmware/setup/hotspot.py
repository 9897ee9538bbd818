# SPDX-License-Identifier: Apache-2.0
"""The village's Wi-Fi: settings for hostapd and dnsmasq, made when a Wi-Fi card appears.

The network is open, and leads to this device only: dnsmasq answers every name with the device's own
address, and the kernel forwards nothing to an uplink.
"""

import argparse
from pathlib import Path

from mokanda_firmware import status

ADDRESS = "192.168.73.1"  # as in systemd-networkd's file for wlan0
_MAX_SSID = 32  # bytes
_CHANNEL = 6


def hostapd(interface: str, village: str) -> str:
    """Return hostapd's settings; the network is called after the village."""
    ssid = f"Mokanda {village}".strip().encode()[:_MAX_SSID].decode(errors="ignore")
    return f"""\
interface={interface}
driver=nl80211
ssid2={ssid.encode().hex()}
utf8_ssid=1
hw_mode=g
channel={_CHANNEL}
ieee80211n=1
wmm_enabled=1
ap_isolate=1
"""


def dnsmasq(interface: str) -> str:
    """Return dnsmasq's settings: addresses for phones, and our own address for every name."""
    subnet = ADDRESS.rpartition(".")[0]
    return f"""\
keep-in-foreground
log-facility=-
interface={interface}
except-interface=lo
bind-interfaces
no-resolv
no-hosts
address=/#/{ADDRESS}
dhcp-authoritative
dhcp-range={subnet}.10,{subnet}.250,12h
dhcp-leasefile=/run/mokanda-hotspot-names/leases
"""


def main() -> None:
    """Write both files into the folder given."""
    parser = argparse.ArgumentParser(description="Writes the settings of hostapd and dnsmasq.")
    parser.add_argument("interface", help="the Wi-Fi card, such as wlan0")
    parser.add_argument("folder", type=Path, help="where hostapd.conf and dnsmasq.conf go")
    arguments = parser.parse_args()
    village = str(status.read("setup").get("village", ""))
    files = {
        "hostapd.conf": hostapd(arguments.interface, village),
        "dnsmasq.conf": dnsmasq(arguments.interface),
    }
    for name, text in files.items():
        (arguments.folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
