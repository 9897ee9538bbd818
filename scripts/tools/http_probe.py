# SPDX-License-Identifier: Apache-2.0
"""Whether a web server answers yet."""

from __future__ import annotations

import urllib.request
from http import HTTPStatus


def answers(url: str) -> bool:
    """Whether `url` answers with a page now."""
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - our own http URL
            return bool(reply.status == HTTPStatus.OK)
    except OSError:
        return False
