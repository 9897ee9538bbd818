# SPDX-License-Identifier: Apache-2.0
"""A repository of one image, as Raspberry Pi Imager reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.recipes import load
from scripts.releases.image import Image
from scripts.tools.digest import file_sha256


def os_list(image: Image, packed: Path, folder: str) -> dict[str, Any]:
    """List the image, which is packed in a file that is found in `folder`, an address.

    Sizes are in bytes; by both digests Imager checks what it has fetched and what it has written.
    """
    record = image.record
    card = record["files"]["mokanda.img"]
    date = datetime.fromtimestamp(record["source_date_epoch"], UTC).date()
    return {
        "os_list": [
            {
                "name": f"Mokanda {record['version']} ({load(record['board']).board.summary})",
                "description": "E-mail for a village. The claim file goes onto partition SETUP.",
                "url": f"{folder.rstrip('/')}/{packed.name}" if folder else packed.name,
                "extract_size": card["size"],
                "extract_sha256": card["sha256"],
                "image_download_size": packed.stat().st_size,
                "image_download_sha256": file_sha256(packed),
                "release_date": date.isoformat(),
                "init_format": "none",
            }
        ]
    }
