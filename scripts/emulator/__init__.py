# SPDX-License-Identifier: Apache-2.0
"""The emulated board: a card's image under QEMU, from power-on through U-Boot to the webmail.

`scripts/emulate` boots one for people, `board.Board` one for programs. The board is QEMU's Orange
Pi PC; it boots the Orange Pi Zero's own card, as it would be flashed. It has Ethernet (through
which the webmail is reached on a port of this computer), a USB port, and an LED driver on I2C.
"""
