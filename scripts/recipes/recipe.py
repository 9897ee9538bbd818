# SPDX-License-Identifier: Apache-2.0
"""What every recipe may have, be it of a topic, a SoC or a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.recipes.table import Table, read
from scripts.tools.repository import REPOSITORY

ROOT = REPOSITORY / "recipes"

_LISTS = {
    "debian": ("packages", "without"),
    "buildroot": ("config",),
    "needs": ("programs", "files"),
    "initramfs": ("modules",),
    "modules": ("early", "late"),
    "services": ("enable", "mask"),
}


@dataclass(frozen=True)
class Recipe:
    """One topic of an image."""

    name: str
    summary: str
    debian_packages: tuple[str, ...] = ()
    debian_without: tuple[str, ...] = ()
    buildroot_config: tuple[str, ...] = ()
    needs_programs: tuple[str, ...] = ()
    needs_files: tuple[str, ...] = ()
    needs_answers: Mapping[str, str] = field(default_factory=dict)
    kernel: tuple[tuple[str, str], ...] = ()
    initramfs_modules: tuple[str, ...] = ()
    modules_early: tuple[str, ...] = ()
    modules_late: tuple[str, ...] = ()
    services_enable: tuple[str, ...] = ()
    services_mask: tuple[str, ...] = ()


def read_topic(path: Path) -> Recipe:
    """Read a topic; raises RecipeError."""
    table = read(path)
    recipe = Recipe(**fields(path.stem, table))
    table.end()
    return recipe


def fields(name: str, table: Table) -> dict[str, Any]:
    """The fields of a Recipe, taken out of its table; raises RecipeError."""
    found: dict[str, Any] = {"name": name, "summary": table.text("summary")}
    for section, keys in _LISTS.items():
        content = table.table(section)
        for key in keys:
            found[f"{section}_{key}"] = content.strings(key)
        if section == "needs":
            answers = content.table("answers")
            found["needs_answers"] = {name: answers.text(name) for name in answers.rest()}
        content.end()
    found["kernel"] = tuple(sorted(kernel_options(table.table("kernel"))))
    return found


def kernel_options(table: Table) -> tuple[tuple[str, str], ...]:
    """Options of the kernel, in the file's order, and the module that each makes."""
    return tuple((option, table.text(option, may_be_empty=True)) for option in table.rest())
