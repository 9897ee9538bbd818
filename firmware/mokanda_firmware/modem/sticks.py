# SPDX-License-Identifier: Apache-2.0
"""Which USB sticks are plugged in, as udev knows them; by events, without polling."""

from collections.abc import Iterator

import pyudev

from mokanda_firmware.modem.stick import Stick

# Drivers of sticks that are a router of their own ("HiLink") and show as a network card.
_CARD_DRIVERS = frozenset({"cdc_ether", "cdc_mbim", "cdc_ncm", "huawei_cdc_ncm", "rndis_host"})


class Watch:
    """Tells that sticks came or went, and which are there."""

    def __init__(self) -> None:
        self._context = pyudev.Context()
        # udev's own events come after its rules have run; the kernel's would come too early.
        self._monitor = pyudev.Monitor.from_netlink(self._context, source="udev")
        self._monitor.filter_by("tty")
        self._monitor.filter_by("net")
        self._monitor.start()

    def fileno(self) -> int:
        """Return a descriptor that is readable when something came or went."""
        return int(self._monitor.fileno())

    def drain(self) -> None:
        """Take the events that are there: `sticks` tells what they amount to."""
        while self._monitor.poll(timeout=0) is not None:
            pass

    def sticks(self) -> list[Stick]:
        """Return the sticks that are there, in the order of their places on the bus."""
        ports: dict[str, list[tuple[str, str]]] = {}
        cards: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for device, parent in self._usb_devices("tty"):
            number = device.get("ID_USB_INTERFACE_NUM", "")
            ports.setdefault(parent.sys_path, []).append((number, device.device_node))
            names[parent.sys_path] = _name(parent)
        for device, parent in self._usb_devices("net"):
            if _driver(device) in _CARD_DRIVERS:
                cards.setdefault(parent.sys_path, []).append(device.sys_name)
                names[parent.sys_path] = _name(parent)
        return [
            Stick(
                path,
                names[path],
                tuple(node for _, node in sorted(ports.get(path, []))),
                tuple(sorted(cards.get(path, []))),
            )
            for path in sorted(names)
        ]

    def _usb_devices(self, subsystem: str) -> Iterator[tuple[pyudev.Device, pyudev.Device]]:
        devices = self._context.list_devices(subsystem=subsystem).match_is_initialized()
        for device in devices:
            parent = device.find_parent("usb", "usb_device")
            if parent is not None:
                yield device, parent


def _driver(device: pyudev.Device) -> str:
    interface = device.find_parent("usb", "usb_interface")
    return (interface.driver or "") if interface is not None else ""


def _name(parent: pyudev.Device) -> str:
    words = (parent.get("ID_VENDOR", ""), parent.get("ID_MODEL", ""))
    return " ".join(word.replace("_", " ") for word in words if word) or "USB stick"
