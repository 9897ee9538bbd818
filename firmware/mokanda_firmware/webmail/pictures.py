# SPDX-License-Identifier: Apache-2.0
"""Which files are pictures that a page may show: by what is in them, not by what a sender says."""

from pathlib import Path

_BEGINNINGS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def picture_type(path: Path) -> str:
    """Return the media type of a picture that every phone can show, "" when it is none."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return ""
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return "image/webp"
    return next((kind for begin, kind in _BEGINNINGS.items() if start.startswith(begin)), "")
