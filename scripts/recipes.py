# SPDX-License-Identifier: Apache-2.0
"""Recipes: what is in an image, said once for every engine.

`recipes/*.toml` hold one topic each, `recipes/boards/*.toml` one board each. Both may have

    summary = "a few words"
    [debian]     packages = [...]; without = [dependencies whose files are left out]
    [buildroot]  config = ["BR2_PACKAGE_...=y", ...]
    [kernel]     OPTION = "module it makes", "" where there is none
    [initramfs]  modules = [loaded in this order before the root file system is mounted]
    [modules]    early = [what the first page waits for]; late = [what it does not]
    [services]   enable = [units]; mask = [units]

and a board has besides

    u_boot = "name of its defconfig, without _defconfig"
    device_tree = "name of its device tree, without .dtb"
    device_tree_enable = [nodes whose status becomes "okay"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent / "recipes"

_LISTS = {
    "debian": ("packages", "without"),
    "buildroot": ("config",),
    "initramfs": ("modules",),
    "modules": ("early", "late"),
    "services": ("enable", "mask"),
}


class RecipeError(ValueError):
    """A recipe that cannot be followed; the text says which file and why."""


@dataclass(frozen=True)
class Recipe:
    """One topic of an image."""

    name: str
    summary: str
    debian_packages: tuple[str, ...] = ()
    debian_without: tuple[str, ...] = ()
    buildroot_config: tuple[str, ...] = ()
    kernel: tuple[tuple[str, str], ...] = ()
    initramfs_modules: tuple[str, ...] = ()
    modules_early: tuple[str, ...] = ()
    modules_late: tuple[str, ...] = ()
    services_enable: tuple[str, ...] = ()
    services_mask: tuple[str, ...] = ()


@dataclass(frozen=True)
class Board(Recipe):
    """A board: a recipe that also says how it boots."""

    u_boot: str = ""
    device_tree: str = ""
    device_tree_enable: tuple[str, ...] = ()


@dataclass(frozen=True)
class System:
    """All recipes of one image, merged."""

    board: Board
    recipes: tuple[Recipe, ...]

    @property
    def compatible(self) -> str:
        """What an update must be made for (RAUC's word)."""
        return f"mokanda-{self.board.name}"

    @property
    def debian_packages(self) -> list[str]:
        """Packages to install, sorted."""
        return sorted({name for part in self._parts for name in part.debian_packages})

    @property
    def debian_without(self) -> list[str]:
        """Dependencies whose files are left out, sorted; a package asked for stays."""
        unwanted = {name for part in self._parts for name in part.debian_without}
        return sorted(unwanted - set(self.debian_packages))

    @property
    def buildroot_config(self) -> list[str]:
        """Lines for Buildroot's configuration, each once, in the recipes' order."""
        return _once(line for part in self._parts for line in part.buildroot_config)

    @property
    def kernel(self) -> dict[str, str]:
        """Kernel options, sorted, and the module that each makes ("" for none)."""
        return dict(sorted(item for part in self._parts for item in part.kernel))

    @property
    def initramfs_modules(self) -> list[str]:
        """Modules that the initramfs loads, in order."""
        return _once(name for part in self._parts for name in part.initramfs_modules)

    @property
    def modules_early(self) -> list[str]:
        """Modules that the initramfs loads from the root file system, in order."""
        return _once(name for part in self._parts for name in part.modules_early)

    @property
    def modules_late(self) -> list[str]:
        """Modules that are loaded when the first page can be seen, in order."""
        return _once(name for part in self._parts for name in part.modules_late)

    @property
    def services_enable(self) -> list[str]:
        """Units that start at boot, sorted."""
        return sorted({name for part in self._parts for name in part.services_enable})

    @property
    def services_mask(self) -> list[str]:
        """Units that must never start, sorted."""
        return sorted({name for part in self._parts for name in part.services_mask})

    @property
    def _parts(self) -> tuple[Recipe, ...]:
        return (*self.recipes, self.board)


def boards(root: Path = ROOT) -> list[str]:
    """Names of the boards that have a recipe, sorted."""
    return sorted(path.stem for path in (root / "boards").glob("*.toml"))


def load(board: str, root: Path = ROOT) -> System:
    """Read all recipes and one board's; raises RecipeError with what to mend."""
    path = root / "boards" / f"{board}.toml"
    if not path.exists():
        raise RecipeError(f"no board {board!r}; there are: {', '.join(boards(root))}")
    topics = tuple(_read(topic) for topic in sorted(root.glob("*.toml")))
    system = System(_read_board(path), topics)
    _check_kernel(system)
    return system


def _check_kernel(system: System) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for part in (*system.recipes, system.board):
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


def _read(path: Path) -> Recipe:
    return Recipe(**_fields(path, _parse(path)))


def _read_board(path: Path) -> Board:
    table = _parse(path)
    own: dict[str, Any] = {
        "u_boot": _text(path, table, "u_boot"),
        "device_tree": _text(path, table, "device_tree"),
        "device_tree_enable": _strings(path, table, "device_tree_enable"),
    }
    return Board(**_fields(path, table), **own)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path.name}: {error}") from error


def _fields(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    """The fields of a Recipe; takes what it knows out of the table and refuses the rest."""
    fields: dict[str, Any] = {"name": path.stem, "summary": _text(path, table, "summary")}
    for section, keys in _LISTS.items():
        content = _section(path, table, section)
        for key in keys:
            fields[f"{section}_{key}"] = _strings(path, content, key)
        if content:
            raise RecipeError(f"{path.name}: [{section}] has no key {min(content)!r}")
    kernel = _section(path, table, "kernel")
    for option, module in kernel.items():
        if not isinstance(module, str):
            raise RecipeError(f"{path.name}: [kernel] {option} must name a module, or be empty")
    fields["kernel"] = tuple(sorted(kernel.items()))
    if table:
        raise RecipeError(f"{path.name}: unknown key {min(table)!r}")
    return fields


def _section(path: Path, table: dict[str, Any], name: str) -> dict[str, Any]:
    content = table.pop(name, {})
    if not isinstance(content, dict):
        raise RecipeError(f"{path.name}: {name} must be a table, [{name}]")
    return content


def _text(path: Path, table: dict[str, Any], key: str) -> str:
    value = table.pop(key, None)
    if not isinstance(value, str) or not value:
        raise RecipeError(f"{path.name}: {key} is missing (a string)")
    return value


def _strings(path: Path, table: dict[str, Any], key: str) -> tuple[str, ...]:
    value = table.pop(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RecipeError(f"{path.name}: {key} must be a list of strings")
    return tuple(value)


def _once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
