# SPDX-License-Identifier: Apache-2.0
"""Release notes: what CHANGELOG.md says of a version."""

from __future__ import annotations

import re

_SECTION = re.compile(r"^## \[?([^\]\s]+)\]?.*\n", re.MULTILINE)
_UNRELEASED = "Unreleased"


def notes(changelog: str, version: str) -> str | None:
    """The section of a version, in Markdown; of a development version what is unreleased.

    None if there is none of that version.
    """
    wanted = _UNRELEASED if "-dev" in version else version
    parts = _SECTION.split(changelog)[1:]
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        if name == wanted:
            return f"# Mokanda {version}\n\n{text.strip()}\n"
    return None
