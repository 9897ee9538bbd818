# SPDX-License-Identifier: Apache-2.0
"""Recipes: what is in an image, said once for every engine.

`recipes/*.toml` hold one topic each, `recipes/socs/*.toml` one system on a chip each, and
`recipes/boards/*.toml` one board each. All may have

    summary = "a few words"
    [debian]     packages = [...]; without = [dependencies whose files are left out]
    [buildroot]  config = ["BR2_PACKAGE_...=y", ...]
    [kernel]     OPTION = "module it makes", "" where there is none
    [initramfs]  modules = [loaded in this order before the root file system is mounted]
    [modules]    early = [what the first page waits for]; late = [what it does not]
    [services]   enable = [units]; mask = [units]

A module "@role" is the SoC's driver of that role, whatever it is called. A SoC has besides what
`recipes/soc.py` names, and a board what `recipes/board.py` does.
"""

from scripts.recipes.board import Board
from scripts.recipes.recipe import ROOT, Recipe
from scripts.recipes.soc import Soc
from scripts.recipes.system import System, boards, load
from scripts.recipes.table import RecipeError

__all__ = ["ROOT", "Board", "Recipe", "RecipeError", "Soc", "System", "boards", "load"]
