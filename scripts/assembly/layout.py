# SPDX-License-Identifier: Apache-2.0
"""Where things lie on the card, and within a slot. Offsets and sizes in bytes.

    512       U-Boot, wherever the SoC looks for it below 4 MiB
    1 MiB     U-Boot's environment, twice
    4 MiB     partition 1, SETUP: FAT, for the claim file
    32 MiB    partition 2, slot A
    128 MiB   partition 3, slot B
    224 MiB   partition 4, data: grows to the card's end at first boot

A slot holds all that an update replaces: the root file system from its start, behind it the hash
tree by which it is verified, and in its last 32 MiB a FIT image of kernel, device tree and
initramfs, which U-Boot reads without a file system.
The places are about twice as large as what lies there, for no update can move them on a card that
is in a village.
"""

from __future__ import annotations

MIB = 1 << 20
SECTOR = 512

ENVIRONMENT = (1 * MIB, 1 * MIB + (64 << 10))
ENVIRONMENT_SIZE = 64 << 10

SETUP = 4 * MIB
SETUP_SIZE = 28 * MIB
SLOT_SIZE = 96 * MIB
SLOTS = {"A": 32 * MIB, "B": 128 * MIB}
DATA = 224 * MIB
CARD_SIZE = 256 * MIB  # a power of two: QEMU's SD cards

ROOT_SIZE = 64 * MIB
FIT = ROOT_SIZE  # from the start of the slot
FIT_SIZE = SLOT_SIZE - ROOT_SIZE
MAX_FILL = 0.8  # images grow; one that fills more of its place than this is refused

ZSTD_LEVEL = 19  # of the root file system's blocks

# From the first to before the second of each pair nothing else lies: there U-Boot may.
U_BOOT = ((SECTOR, ENVIRONMENT[0]), (ENVIRONMENT[1] + ENVIRONMENT_SIZE, SETUP))

DISK_IDENTIFIER = 0x6D6F6B61
