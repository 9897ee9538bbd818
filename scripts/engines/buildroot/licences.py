# SPDX-License-Identifier: Apache-2.0
"""The licences of a package, from what its makefile in Buildroot says."""

from __future__ import annotations

import re

UNKNOWN = "unknown"  # what show-info has for a makefile that says nothing


def licences(text: str) -> tuple[str, ...]:
    """What is between the commas, each once, without the remarks on what it covers.

    Buildroot writes "GPL-2.0+ (programs), LGPL-2.1+ or MIT (library)": all that commas part hold
    together, and names are SPDX's where there is one.
    """
    bare = re.sub(r"\s*\([^()]*\)", "", text)
    found = dict.fromkeys(part.strip() for part in bare.split(","))
    return tuple(part for part in found if part not in ("", UNKNOWN))
