# SPDX-License-Identifier: Apache-2.0
"""What a release is made from: an image that was built, and the keys that sign."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class RefusedError(Exception):
    """This image must not be released; the text says why, and what to do."""


@dataclass(frozen=True)
class Image:
    """A board's image as scripts/image left it in a folder."""

    folder: Path
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """What the names of all its files begin with."""
        return f"mokanda-{self.record['board']}-{self.record['version']}"

    @property
    def development(self) -> bool:
        """Whether its version is one that nobody relies on."""
        return "-dev" in self.record["version"]


@dataclass(frozen=True)
class Keys:
    """The signing key, and its certificates' file (the last one is the devices' authority).

    The key is a file, or in a token: a URI that begins with "pkcs11:".
    """

    key: Path | str
    certificate: Path


def read_image(folder: Path) -> Image:
    """Find the image in a folder; raises RefusedError when there is none."""
    try:
        return Image(folder, json.loads((folder / "record.json").read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RefusedError(f"there is no image in {folder}; make one with: make image") from error
