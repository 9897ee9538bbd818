# SPDX-License-Identifier: Apache-2.0
"""The state of a board at one moment, to go on from as often as wanted.

It fits the QEMU that made it, and is of no use to another: keep it for one run.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from scripts.emulator import migration
from scripts.emulator.board import Board


class Snapshot:
    """What a board had in its memory, its devices and on its card; it is kept in `folder`."""

    def __init__(self, board: Board, folder: Path) -> None:
        """Keep in `folder` the state of a board that has power, and take the power away.

        Memory and card have to be of the same moment. No stick may be in the board.
        """
        folder.mkdir()
        self.folder = folder
        self._state = folder / "state"
        self._card = folder / "card.img"
        # QEMU cannot save the state of this device, and the board has not seen it.
        board.qmp.execute("device_del", id="modem")
        migration.save(board.qmp, self._state)
        board.cut_power()
        copy_card(board.card, self._card)

    def restore(self, board: Board) -> None:
        """Have `board` go on from here, whatever it is doing."""
        board.cut_power()
        copy_card(self._card, board.card)
        board.power_on(self._state)


def copy_card(source: Path, target: Path) -> None:
    """Copy a card that is not written to now; only what is not zero takes place on the disk."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target], check=True)
