# SPDX-License-Identifier: Apache-2.0
"""The newest release of the series that a Buildroot tree is of, as far as the tree's git knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.engines.buildroot.tree import git, variable

_ASSIGNED = r"^[A-Z0-9_]+_VERSION[A-Z0-9_]* *[:?]?= "
_HEADERS = "package/linux-headers/Config.in.host"


class NoSeriesError(Exception):
    """A tree without what git would tell; the text says why."""


@dataclass(frozen=True)
class Release:
    """A release and the versions of its packages."""

    tag: str
    variables: Mapping[str, str]  # of its makefiles, by name
    kernels: tuple[str, ...]  # the newest of each branch of Linux

    def version(self, package: str, branch: str) -> str | None:
        """The version of a package; of Linux, which is a choice, that of the branch ("6.12")."""
        if package == "linux":
            return next((each for each in self.kernels if each.startswith(f"{branch}.")), None)
        return self._expand(f"$({variable(package)}_VERSION)")

    def _expand(self, text: str) -> str | None:
        """Text with the values of variables; None where make itself would be needed."""
        while found := re.search(r"\$\((\w+)\)", text):
            if found[1] not in self.variables:
                return None
            text = text.replace(found[0], self.variables[found[1]])
        return None if "$" in text else text


def newest_release(tree: Path) -> Release:
    """The newest release of a tree's own series; raises NoSeriesError."""
    makefile = tree / "Makefile"
    told = re.search(r"^export BR2_VERSION := (\d+\.\d+)", makefile.read_text(), re.MULTILINE)
    if told is None:
        raise NoSeriesError(f"{makefile} names no release")
    series = told[1]
    tags = re.findall(rf"^{re.escape(series)}(?:\.\d+)?$", _git(tree, "tag"), re.MULTILINE)
    if not tags:
        raise NoSeriesError(f"git knows no release of the series {series} in {tree}")
    tag = max(tags, key=lambda each: [int(number) for number in each.split(".")])
    lines = _git(tree, "grep", "-h", "--extended-regexp", _ASSIGNED, tag, "--", "*.mk")
    variables = dict(re.findall(r"^(\w+) *[:?]?= *(.*?) *$", lines, re.MULTILINE))
    headers = _git(tree, "show", f"{tag}:{_HEADERS}")
    kernels = re.findall(r'^\tdefault "([\d.]+)"', headers, re.MULTILINE)
    return Release(tag, variables, tuple(kernels))


def _git(tree: Path, *command: str) -> str:
    """What git says; raises NoSeriesError."""
    done = git(tree, *command)
    if done.returncode:
        raise NoSeriesError(f"git in {tree}: {done.stderr.decode().strip()}")
    return done.stdout.decode()
