# SPDX-License-Identifier: Apache-2.0
"""Characters that turn, or hide, what stands beside them."""

# Controls of direction and characters without width, but for the joiners that scripts need.
_UNSEEN = dict.fromkeys(
    (0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
)
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def visible(text: str) -> str:
    """Leave out what turns or hides the characters beside it."""
    return text.translate(_UNSEEN)


def unturned(text: str) -> str:
    """Leave out what turns lines and links around; the marks that scripts need stay."""
    return text.translate(_TURNING)
