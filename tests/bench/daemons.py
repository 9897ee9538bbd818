# SPDX-License-Identifier: Apache-2.0
"""What our daemons take on a board."""

from typing import Final

from tests.emulator.shell import Shell

PROCESSES: Final = "$(cat /sys/fs/cgroup/system.slice/mokanda-*/cgroup.procs)"
SUM: Final = "awk '{ sum += $2 } END { print sum }'"
_PSS: Final = f"for each in {PROCESSES}; do grep ^Pss: /proc/$each/smaps_rollup; done 2>/dev/null"


def memory(shell: Shell) -> int:
    """Their memory in bytes, of what they share each its part (PSS)."""
    return int(shell.check(f"{{ {_PSS}; }} | {SUM}")) * 1024
