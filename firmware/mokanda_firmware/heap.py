# SPDX-License-Identifier: Apache-2.0
"""What glibc does with memory that is freed: by default it keeps much of it (mallopt(3))."""

import ctypes

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # M_ARENA_MAX, M_MMAP_THRESHOLD


def give_back(large: int, *, arenas: int | None = None) -> None:
    """Have blocks from `large` bytes on go back to the system at once, and so many arenas at most.

    Other C libraries need none of this.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    if arenas is not None:
        mallopt(_ARENA_MAX, arenas)
    mallopt(_MMAP_THRESHOLD, large)
