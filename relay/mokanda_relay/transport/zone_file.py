# SPDX-License-Identifier: Apache-2.0
"""DNS that the operator sees to: the records as lines of a zone file, to be pasted."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from mokanda_relay.transport.dns import DnsSetup

_TTL = 3600  # seconds


class ZoneFile:
    """A DnsProvider that needs no account anywhere."""

    def publish(self, setups: Sequence[DnsSetup]) -> str:
        """Write the records for a zone file; what the operator has to come by is a comment."""
        lines = []
        for setup in setups:
            lines += textwrap.wrap(
                setup.instructions, 78, initial_indent="; ", subsequent_indent="; "
            )
            lines += [f"{each.name}. {_TTL} IN {each.kind} {each.data}" for each in setup.records]
        return "".join(f"{line}\n" for line in lines)
