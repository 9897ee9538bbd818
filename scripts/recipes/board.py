# SPDX-License-Identifier: Apache-2.0
"""A board: what sets it apart from others of its SoC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scripts.recipes.recipe import Recipe, fields
from scripts.recipes.table import read


@dataclass(frozen=True, kw_only=True)
class Board(Recipe):
    """A board: a recipe that also says what it is wired like.

    Attributes:
        soc: the name of its SoC's recipe.
        u_boot: the name of its configuration in U-Boot, without _defconfig.
        device_tree: its device tree in Linux, with the maker's folder, without .dtb.
        device_tree_enable: nodes of it whose status becomes "okay".
    """

    soc: str
    u_boot: str
    device_tree: str
    device_tree_enable: tuple[str, ...]


def read_board(path: Path) -> Board:
    """Read a board; raises RecipeError."""
    table = read(path)
    board = Board(
        **fields(path.stem, table),
        soc=table.text("soc"),
        u_boot=table.text("u_boot"),
        device_tree=table.text("device_tree"),
        device_tree_enable=table.strings("device_tree_enable"),
    )
    table.end()
    return board
