# SPDX-License-Identifier: Apache-2.0
"""The seam to who serves the villages' domains in DNS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A record as in a zone file: `name` is complete, without a dot at its end."""

    name: str
    kind: str
    data: str


@dataclass(frozen=True, slots=True)
class DnsSetup:
    """What one part of the relay needs in DNS for a domain: records, and what it cannot know.

    `instructions` are sentences that tell the operator how to come by the rest.
    """

    records: tuple[DnsRecord, ...]
    instructions: str = ""


class DnsProvider(Protocol):
    """Serves the villages' domains in DNS."""

    def publish(self, setups: Sequence[DnsSetup]) -> str:
        """Have the records served; returns what is left for the operator to do, as text."""
