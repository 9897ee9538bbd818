# SPDX-License-Identifier: Apache-2.0
"""Write the files of buildroot-external/ that say in Buildroot's words what the recipes say.

Run `scripts/buildroot --write` after a change of recipes/ and commit the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from scripts.recipes import Recipe, System, boards, load
from scripts.tools.repository import REPOSITORY

TREE = REPOSITORY / "buildroot-external"
BOARD = TREE / "board/mokanda"
NOTICE = """# SPDX-License-Identifier: Apache-2.0
# Written from recipes/ by scripts/buildroot --write: change it there.
"""


def defconfig_path(board: str) -> Path:
    """The file that `make <board>_defconfig` loads."""
    return TREE / "configs" / f"{board.replace('-', '_')}_defconfig"


def topics_path() -> Path:
    """The file with the kernel options that every board has."""
    return BOARD / "linux/recipes.config"


def board_path(board: str) -> Path:
    """The file with the kernel options of a board and its SoC."""
    return BOARD / f"linux/boards/{board}.config"


def defconfig(system: System) -> str:
    """Buildroot's configuration for a board: SoC's and board's lines, engine's, topics'."""
    board = system.board
    fragments = [*sorted((BOARD / "linux").glob("*.config")), board_path(board.name)]
    names = " ".join(f"$(BR2_EXTERNAL_MOKANDA_PATH)/{path.relative_to(TREE)}" for path in fragments)
    kernel = f"""BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES="{names}"
BR2_LINUX_KERNEL_INTREE_DTS_NAME="{board.device_tree}"
BR2_ROOTFS_POST_IMAGE_SCRIPT_ARGS="{board.name}"
"""
    engine = (BOARD / "engine.config").read_text()
    seen: set[str] = set()
    sections = [_section(system.soc, "", seen), _section(board, kernel, seen), engine]
    sections += [_section(recipe, "", seen) for recipe in system.recipes if recipe.buildroot_config]
    return "\n".join([NOTICE, *sections])


def kernel_fragment(system: System, recipes: Iterable[Recipe]) -> str:
    """The kernel options of recipes, without those that fragments written by hand have.

    What every boot needs is built in, and so is the SoC's own; a driver that is wanted later, or
    for what may be plugged in, is a module.
    """
    booting = {*system.initramfs_modules, *system.modules_early}
    booting |= {module for _, module in system.soc.kernel} - {*system.modules_late}
    by_hand = set(re.findall(r"^CONFIG_(\w+)=y$", _written_by_hand(), re.MULTILINE))
    sections = [NOTICE]
    for recipe in recipes:
        options = "".join(
            f"CONFIG_{option}={'m' if module and module not in booting else 'y'}\n"
            for option, module in recipe.kernel
            if option not in by_hand
        )
        if options:
            sections.append(f"# {recipe.name}: {recipe.summary}\n{options}")
    return "\n".join(sections)


def _written_by_hand() -> str:
    paths = sorted((BOARD / "linux").glob("*.config"))
    return "".join(path.read_text() for path in paths if path != topics_path())


def _section(recipe: Recipe, more: str, seen: set[str]) -> str:
    lines = [line for line in recipe.buildroot_config if line not in seen]
    seen.update(lines)
    return f"# {recipe.name}: {recipe.summary}\n" + "".join(f"{line}\n" for line in lines) + more


def files() -> dict[Path, str]:
    """Every written file and what it is to hold."""
    written = {}
    for system in map(load, boards()):
        board = system.board
        written[topics_path()] = kernel_fragment(system, system.recipes)
        written[board_path(board.name)] = kernel_fragment(system, [system.soc, board])
        written[defconfig_path(board.name)] = defconfig(system)
    return written


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text() != text:  # what is newer is built anew
            path.write_text(text)
            print(path.relative_to(REPOSITORY))
