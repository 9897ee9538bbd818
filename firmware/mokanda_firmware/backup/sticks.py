# SPDX-License-Identifier: Apache-2.0
"""Memory sticks, as udev knows them; one is mounted only while there is work on it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import pyudev

from mokanda_firmware import paths
from mokanda_firmware.backup.failures import BackupError
from mokanda_firmware.bus.sentences import Sentence

# File systems of sticks, and with what to mount them beside the options of all.
_KINDS = {"vfat": ",umask=0077", "exfat": ",umask=0077", "ext4": ""}
_OPTIONS = "nosuid,nodev,noexec,noatime"


class Stick(Protocol):
    """A memory stick that is plugged in."""

    @property
    def name(self) -> str:
        """What it is called, "" if it has no name."""

    @contextmanager
    def mounted(self, *, writable: bool) -> Iterator[Path]:
        """Mount it for as long as the block lasts; raises BackupError if that does not work."""


class UsbStick(NamedTuple):
    """A file system on a USB stick: its device node, its kind and its label."""

    node: str
    kind: str
    name: str

    @contextmanager
    def mounted(self, *, writable: bool) -> Iterator[Path]:
        """Mount it for as long as the block lasts.

        Raises:
            BackupError: it cannot be mounted.
        """
        if self.kind not in _KINDS:
            raise BackupError(
                Sentence(
                    "This stick cannot be used ({kind}). Format it as FAT or exFAT.", kind=self.kind
                )
            )
        place = paths.stick()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = f"{_OPTIONS}{_KINDS[self.kind]},{'rw' if writable else 'ro'}"
        _run("mount", "-t", self.kind, "-o", options, self.node, str(place))
        try:
            yield place
        finally:
            subprocess.run(["umount", str(place)], check=False, capture_output=True)


def find() -> Stick | None:
    """Return the stick that is plugged in, the first one if there are several."""
    found = [
        UsbStick(device.device_node, device.get("ID_FS_TYPE", ""), device.get("ID_FS_LABEL", ""))
        for device in pyudev.Context().list_devices(subsystem="block", ID_BUS="usb")
        if device.get("ID_FS_USAGE") == "filesystem"
    ]
    # One that can be used goes before one that cannot.
    return min(found, key=lambda stick: (stick.kind not in _KINDS, stick.node), default=None)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        raise BackupError(Sentence("The stick cannot be read ({why}).", why=str(error))) from error
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["?"])[0]
        raise BackupError(Sentence("The stick cannot be read ({why}).", why=why))
