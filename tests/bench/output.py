# SPDX-License-Identifier: Apache-2.0
"""What a benchmark tells while it runs, and at its end."""

import sys


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
