# SPDX-License-Identifier: Apache-2.0
"""What the headers of a mail say of the list that it came by (RFC 2369, 2919)."""

from __future__ import annotations

from dataclasses import dataclass

from mokanda_relay.mime.headers import Headers


@dataclass(frozen=True, slots=True)
class Listing:
    """Whether a mail was written `to_many`: a newsletter, or a list."""

    to_many: bool = False


def of(headers: Headers) -> Listing:
    """Read what a mail's headers say."""
    named = any(headers.text(name) for name in ("list-id", "list-unsubscribe"))
    bulk = headers.text("precedence").strip().lower() in {"bulk", "list", "junk"}
    return Listing(to_many=named or bulk)
