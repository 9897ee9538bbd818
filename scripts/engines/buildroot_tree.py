# SPDX-License-Identifier: Apache-2.0
"""Write the files of buildroot-external/ that say in Buildroot's words what the recipes say.

Run `python3 -m scripts.engines.buildroot_tree` after a change of recipes/ and commit the result.
"""

from __future__ import annotations

from pathlib import Path

from scripts.recipes import ROOT as RECIPES
from scripts.recipes import Board, Recipe, System, boards, load

TREE = RECIPES.parent / "buildroot-external"
BOARD = TREE / "board/mokanda"
# Where Linux keeps the device trees of Allwinner's chips.
DEVICE_TREES = "allwinner"
NOTICE = """# SPDX-License-Identifier: Apache-2.0
# Written from recipes/ by scripts/engines/buildroot_tree.py: change it there.
"""


def defconfig_path(board: str) -> Path:
    """The file that `make <board>_defconfig` loads."""
    return TREE / "configs" / f"{board.replace('-', '_')}_defconfig"


def kernel_fragment_path() -> Path:
    """The file with the kernel options of all recipes."""
    return BOARD / "linux/recipes.config"


def defconfig(system: System) -> str:
    """Buildroot's configuration for a board: the board's lines, the engine's, the topics'."""
    board = system.board
    fragments = sorted((BOARD / "linux").glob("*.config"))
    names = " ".join(f"$(BR2_EXTERNAL_MOKANDA_PATH)/{path.relative_to(TREE)}" for path in fragments)
    kernel = f"""BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES="{names}"
BR2_LINUX_KERNEL_INTREE_DTS_NAME="{DEVICE_TREES}/{board.device_tree}"
"""
    engine = (BOARD / "engine.config").read_text()
    seen: set[str] = set()
    sections = [_section(board, kernel, seen), engine]
    sections += [_section(recipe, "", seen) for recipe in system.recipes if recipe.buildroot_config]
    return "\n".join([NOTICE, *sections])


def kernel_fragment() -> str:
    """The kernel options of all recipes, by topic; a driver that may be a module is one."""
    sections = [NOTICE]
    for recipe in _all_parts():
        if recipe.kernel:
            options = "".join(
                f"CONFIG_{option}={'m' if module else 'y'}\n" for option, module in recipe.kernel
            )
            sections.append(f"# {recipe.name}: {recipe.summary}\n{options}")
    return "\n".join(sections)


def _all_parts() -> list[Recipe]:
    """Every topic, and every board."""
    systems = [load(name) for name in boards()]
    own: list[Board] = [system.board for system in systems]
    return [*systems[0].recipes, *own]


def _section(recipe: Recipe, more: str, seen: set[str]) -> str:
    lines = [line for line in recipe.buildroot_config if line not in seen]
    seen.update(lines)
    return f"# {recipe.name}: {recipe.summary}\n" + "".join(f"{line}\n" for line in lines) + more


def files() -> dict[Path, str]:
    """Every written file and what it is to hold."""
    written = {defconfig_path(name): defconfig(load(name)) for name in boards()}
    return {kernel_fragment_path(): kernel_fragment(), **written}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
        print(path.relative_to(RECIPES.parent))
