# SPDX-License-Identifier: Apache-2.0
"""All recipes of one image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scripts.recipes.board import Board, read_board
from scripts.recipes.recipe import ROOT, Recipe, read_topic
from scripts.recipes.soc import Soc, read_soc
from scripts.recipes.table import RecipeError


@dataclass(frozen=True)
class System:
    """All recipes of one image, merged."""

    board: Board
    soc: Soc
    recipes: tuple[Recipe, ...]

    @property
    def compatible(self) -> str:
        """What an update must be made for (RAUC's word)."""
        return f"mokanda-{self.board.name}"

    @property
    def debian_packages(self) -> list[str]:
        """Packages to install, sorted."""
        return sorted({name for part in self.parts for name in part.debian_packages})

    @property
    def debian_without(self) -> list[str]:
        """Dependencies whose files are left out, sorted; a package asked for stays."""
        unwanted = {name for part in self.parts for name in part.debian_without}
        return sorted(unwanted - set(self.debian_packages))

    @property
    def buildroot_config(self) -> list[str]:
        """Lines for Buildroot's configuration, each once, in the recipes' order."""
        return _once(line for part in self.parts for line in part.buildroot_config)

    @property
    def needs_programs(self) -> list[str]:
        """Programs that the finished root file system must have, sorted."""
        return sorted({name for part in self.parts for name in part.needs_programs})

    @property
    def needs_files(self) -> list[str]:
        """Other files that it must have, sorted."""
        return sorted({name for part in self.parts for name in part.needs_files})

    @property
    def needs_answers(self) -> dict[str, str]:
        """Commands that must work in it, and a pattern that each one's answer must have."""
        return {
            command: pattern
            for part in self.parts
            for command, pattern in part.needs_answers.items()
        }

    @property
    def kernel(self) -> dict[str, str]:
        """Kernel options, sorted, and the module that each makes ("" for none)."""
        return dict(sorted(item for part in self.parts for item in part.kernel))

    @property
    def initramfs_modules(self) -> list[str]:
        """Modules that the initramfs loads, in order."""
        return self._modules(name for part in self.parts for name in part.initramfs_modules)

    @property
    def modules_early(self) -> list[str]:
        """Modules that the initramfs loads from the root file system, in order."""
        return self._modules(name for part in self.parts for name in part.modules_early)

    @property
    def modules_late(self) -> list[str]:
        """Modules that are loaded when the first page can be seen, in order."""
        return self._modules(name for part in self.parts for name in part.modules_late)

    @property
    def services_enable(self) -> list[str]:
        """Units that start at boot, sorted."""
        return sorted({name for part in self.parts for name in part.services_enable})

    @property
    def services_mask(self) -> list[str]:
        """Units that must never start, sorted."""
        return sorted({name for part in self.parts for name in part.services_mask})

    @property
    def parts(self) -> tuple[Recipe, ...]:
        """The topics, the SoC and the board."""
        return (*self.recipes, self.soc, self.board)

    def _modules(self, names: Iterable[str]) -> list[str]:
        """Modules by name, the SoC's in the place of their roles; raises RecipeError."""
        found: list[str] = []
        for name in names:
            role = name.removeprefix("@")
            if role == name:
                found.append(name)
            elif role in self.soc.drivers:
                found += self.soc.drivers[role]
            else:
                raise RecipeError(f"{self.soc.name}.toml: [drivers.{role}] is missing")
        return _once(name for name in found if name)


def boards(root: Path = ROOT) -> list[str]:
    """Names of the boards that have a recipe, sorted."""
    return _names(root / "boards")


def load(board: str, root: Path = ROOT) -> System:
    """Read all recipes of one board's image; raises RecipeError with what to mend."""
    board_recipe = read_board(_file(root / "boards", board, "no board"))
    soc = read_soc(_file(root / "socs", board_recipe.soc, f"{board}.toml: no soc"))
    topics = tuple(read_topic(topic) for topic in sorted(root.glob("*.toml")))
    system = System(board_recipe, soc, topics)
    _check_kernel(system)
    return system


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))


def _file(folder: Path, name: str, what: str) -> Path:
    if name not in _names(folder):
        raise RecipeError(f"{what} {name!r}; there are: {', '.join(_names(folder))}")
    return folder / f"{name}.toml"


def _check_kernel(system: System) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for part in system.parts:
        for option, module in part.kernel:
            other, where = seen.setdefault(option, (module, part.name))
            if other != module:
                raise RecipeError(
                    f"{part.name}: {option} makes {module!r}, but {where} says {other!r}"
                )
    modules = {module for module, _ in seen.values()}
    for name in (*system.initramfs_modules, *system.modules_early, *system.modules_late):
        if name not in modules:
            raise RecipeError(f"the module {name!r} belongs to no [kernel] option")


def _once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
