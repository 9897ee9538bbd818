# SPDX-License-Identifier: Apache-2.0
"""A USB stick that is plugged in."""

from pathlib import Path
from typing import NamedTuple


class Stick(NamedTuple):
    """The device in sysfs, what it calls itself, its serial ports and network cards.

    Ports are in the order of their USB interfaces: their own numbers change from plug to plug.
    """

    path: str
    name: str
    ports: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()

    def enumerate_again(self) -> None:
        """Have the kernel drop the stick and find it anew, as if it were plugged in again."""
        switch = Path(self.path, "authorized")
        switch.write_text("0", encoding="ascii")
        switch.write_text("1", encoding="ascii")

    def is_there(self) -> bool:
        """Whether the kernel still has it, which programs at its ports may know before udev tells.

        Reading which configuration it is in waits for the end of a removal that is under way.
        """
        try:
            return bool(Path(self.path, "bConfigurationValue").read_text(encoding="ascii").strip())
        except OSError:
            return False
