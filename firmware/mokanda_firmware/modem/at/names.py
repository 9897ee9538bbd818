# SPDX-License-Identifier: Apache-2.0
"""Names that a modem tells: as they are, or as UCS-2 in hexadecimal digits (27.007, +CSCS)."""

import re

_MAX_NAME = 40  # characters that are kept
_UCS2 = re.compile(r"(?:[0-9A-Fa-f]{4}){2,}")


def readable(name: str) -> str:
    """Return a name as people read it, on one line.

    "0041006900720074006500630020" is UCS-2 where that makes words; "243" or "DEADBEEF" are not.
    """
    name = name.strip()
    if _UCS2.fullmatch(name):
        decoded = bytes.fromhex(name).decode("utf-16-be", "replace")
        if all(each.isalnum() or each in " .-&'+()/" for each in decoded):
            name = decoded
    return " ".join("".join(each for each in name if each.isprintable()).split())[:_MAX_NAME]
